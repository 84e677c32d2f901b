import { randomBytes } from 'node:crypto'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { deadline, waitFor } from '@warren/utils'
import { EngineByteSession } from './byte-session.ts'
import { REFUSE, RESET, type RefuseCode } from './codes.ts'
import {
  SessionClosedError,
  SessionLimitError,
  SessionProtocolError,
  SessionRevokedError
} from './errors.ts'
import { type Arrival, arrive } from './arrival.ts'
import { readHead } from './head-exchange.ts'
import { ID_BYTES, type OpenHead, type ResumeHead, SECRET_BYTES, encodeHead } from './heads.ts'
import { HostTimer } from './host-timer.ts'
import { type MemoryBudget, processBudget } from './memory-budget.ts'
import { EngineMessageSession } from './message-session.ts'
import { type OpenKeeper, type OpenedStream, openSession } from './open-session.ts'
import { PeerQuota } from './peer-quota.ts'
import { type ReattachKeeper, Reattacher } from './reattacher.ts'
import { RetiredStreams } from './retired-streams.ts'
import { AcceptedEnd, DialledEnd, type EndContext } from './session-ends.ts'
import { type EngineInit, type EngineKeeper, SessionEngine } from './session-engine.ts'
import type {
  OpenRequest,
  SessionAcceptor,
  SessionDecision,
  SessionHostApi,
  SessionHostDebug,
  SessionHostOptions,
  SessionReadmitter,
  SessionRequest
} from './session-host-types.ts'
import { type SessionOptions, sessionOptions } from './session-options.ts'
import type { ByteSession, Session } from './session-types.ts'
import { StreamPort } from './stream-port.ts'

/** A session that this side dialled. */
interface Dialled {
  readonly at: 'dialled'
  readonly engine: SessionEngine
  readonly reattacher: Reattacher
}

/** A session that a peer dialled. */
interface Accepted {
  readonly at: 'accepted'
  readonly engine: SessionEngine
  readonly end: AcceptedEnd
  readonly sealed: boolean
}

type Entry = Dialled | Accepted

/** An `open` that the application decides about. */
interface Deciding {
  readonly at: 'deciding'
}

const CLOSED = 'the tunnel is closed'

/**
 * The sessions of one tunnel: opens and accepts them, keeps dialled ones attached, and forgets what
 * is over. One timer for all of them.
 */
export class SessionHost implements SessionHostApi {
  readonly #options: SessionOptions
  readonly #acceptor: SessionAcceptor
  readonly #readmitter: SessionReadmitter | undefined
  readonly #inFlightOn: (linkId: string) => number
  readonly #instanceOn: (linkId: string) => string | undefined
  readonly #context: EndContext
  readonly #randomBytes: (length: number) => Uint8Array
  /** By the session's id. */
  readonly #dialled = new Map<string, Dialled>()
  /** By the peer and the session's id. */
  readonly #accepted = new Map<string, Accepted | Deciding>()
  readonly #entries = new Map<SessionEngine, { readonly entry: Entry; readonly key: string }>()
  /** Sessions, tombstones and dials under way. */
  readonly #quota: { readonly dialled: PeerQuota; readonly accepted: PeerQuota }
  readonly #byLink = new Map<string, Set<SessionEngine>>()
  readonly #heads = new Set<StreamPort>()
  readonly #retired: RetiredStreams
  readonly #timer = new HostTimer(() => this.#live > 0)
  /** Sessions that are not over for their application. */
  #live = 0
  /** What stops the heads and dials under way. */
  readonly #stops = new Set<AbortController>()
  #status: 'open' | 'closing' | 'closed' = 'open'
  #closed: Promise<void> | undefined
  /** Called whenever a table has become smaller, while the host closes. */
  #onLess: () => void = () => {}
  readonly #keeper: EngineKeeper & ReattachKeeper & OpenKeeper

  /** @throws {InvalidSessionOptionError} */
  constructor(options: SessionHostOptions) {
    const {
      acceptor,
      readmitter,
      budget,
      randomBytes: bytes,
      random,
      inFlightOn,
      instanceOn,
      sealer,
      ...limits
    } = options
    this.#options = sessionOptions(limits)
    this.#acceptor = acceptor
    this.#readmitter = readmitter
    this.#inFlightOn = inFlightOn ?? (() => Number.POSITIVE_INFINITY)
    this.#instanceOn = instanceOn ?? (() => undefined)
    this.#context = { options: this.#options, budget: budget ?? processBudget }
    this.#randomBytes = bytes ?? randomBytes
    const { sessionsPerPeer, closeTimeout } = this.#options
    this.#quota = {
      dialled: new PeerQuota(sessionsPerPeer),
      accepted: new PeerQuota(sessionsPerPeer)
    }
    this.#retired = new RetiredStreams(this.#timer, closeTimeout, () => this.#onLess())
    this.#keeper = {
      now: () => this.#timer.now(),
      random: random ?? Math.random,
      schedule: (item, at) => this.#timer.schedule(item, at),
      unschedule: item => this.#timer.unschedule(item),
      attached: (engine, linkId) => this.#onAttached(engine, linkId),
      detached: (engine, linkId) => this.#onDetached(engine, linkId),
      ended: engine => this.#onEnded(engine),
      gone: engine => this.#onGone(engine),
      retire: port => this.#retired.add(port),
      sealer
    }
  }

  /** The memory that windows take from. */
  get budget(): MemoryBudget {
    return this.#context.budget
  }

  open(request: OpenRequest & { readonly bytes: true }): Promise<ByteSession>
  open(request: OpenRequest & { readonly bytes: false }): Promise<Session>
  open(request: OpenRequest): Promise<Session | ByteSession>
  async open(request: OpenRequest): Promise<Session | ByteSession> {
    const { channel, mode, bytes, peer, signal } = request
    signal?.throwIfAborted()
    if (this.#status !== 'open') throw new SessionClosedError(CLOSED)
    if (!this.#quota.dialled.take(peer)) {
      throw new SessionLimitError(
        `${this.#options.sessionsPerPeer} sessions to peer ${peer} are open: close some, ` +
          'or raise sessionsPerPeer'
      )
    }
    const id = new Uint8Array(this.#randomBytes(ID_BYTES))
    const end = new DialledEnd(id, { channel, mode, bytes }, this.#context)
    const stop = this.#newStop()
    const onAbort = (): void => stop.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    try {
      const opened = await openSession(request, end, this.#options, this.#keeper, stop.signal)
      return this.#addDialled(request, end, opened)
    } catch (error) {
      this.#quota.dialled.give(peer)
      throw error
    } finally {
      this.#stops.delete(stop)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  accept(stream: Stream, peer: string, linkId: string): void {
    const port = new StreamPort(stream)
    if (this.#status === 'closed') {
      port.abort(new SessionClosedError(CLOSED))
      return
    }
    this.#heads.add(port)
    const stop = this.#newStop()
    const late = (): Error => new SessionProtocolError('the stream began with nothing in time')
    const limit = deadline(this.#options.headTimeout, late, stop.signal)
    const from = { peer, linkId, signal: limit.signal }
    readHead(port, limit.signal)
      .then(async decoded => arrive(port, decoded, from, this.#keeper.sealer))
      .then(async arrival => this.#onArrival(arrival))
      .catch((error: unknown) => port.abort(asError(error)))
      .finally(() => {
        limit.clear()
        this.#stops.delete(stop)
        this.#heads.delete(port)
        this.#onLess()
      })
  }

  linkUp(peer: string, instance?: string): void {
    if (instance !== undefined) this.#loseOthers(peer, instance)
    for (const { engine, reattacher } of this.#dialled.values()) {
      if (engine.init.peer === peer) reattacher.wake()
    }
  }

  linkDown(linkId: string, error: Error = new SessionClosedError('the link is down')): void {
    const engines = this.#byLink.get(linkId)
    if (engines === undefined) return
    for (const engine of engines) engine.dropLink(error)
  }

  close(options: AbortOptions = {}): Promise<void> {
    this.#closed ??= this.#close()
    return waitFor(this.#closed, options.signal)
  }

  debug(): SessionHostDebug {
    const engines = [...this.#entries.keys()]
    return {
      dialled: this.#dialled.size,
      accepted: this.#accepted.size,
      tombstones: engines.filter(engine => engine.core.life === 'lingering').length,
      detached: engines.filter(engine => !engine.core.isAttached).length,
      heads: this.#heads.size,
      closing: this.#retired.size,
      peers: this.#quota.dialled.size + this.#quota.accepted.size,
      links: this.#byLink.size,
      deadlines: this.#timer.size
    }
  }

  // --- Dialling ---

  #addDialled(
    request: OpenRequest,
    end: DialledEnd,
    { port, linkId, rest }: OpenedStream
  ): Session | ByteSession {
    const { core } = end
    if (core === undefined) throw new SessionProtocolError('an accepted session has no state')
    const key = toHex(end.id)
    const init = { id: key, channel: request.channel, peer: request.peer, mode: request.mode }
    const engine = new SessionEngine(init, core, this.#keeper)
    const reattacher = new Reattacher(end, engine, request, this.#options, this.#keeper)
    const entry: Dialled = { at: 'dialled', engine, reattacher }
    this.#dialled.set(key, entry)
    this.#add(entry, key)
    const session = this.#newSession(engine, request.bytes)
    engine.attach(port, linkId, core.epoch, rest)
    return session
  }

  // --- Accepting ---

  async #onArrival(arrival: Arrival): Promise<void> {
    const { head, port } = arrival
    switch (head.type) {
      case 'open':
        if (this.#status !== 'open') this.#refuse(port, REFUSE.closing)
        else await this.#onOpen(arrival, head)
        return
      case 'resume':
        await this.#onResume(arrival, head)
        return
      case 'unsupported':
        this.#refuse(port, REFUSE.version)
        return
      case 'accept':
      case 'refuse':
      case 'resumed':
        throw new SessionProtocolError(`the peer began a stream with "${head.type}"`)
    }
  }

  async #onOpen(arrival: Arrival, head: OpenHead): Promise<void> {
    const { port, rest, peer, linkId, sealed, signal } = arrival
    const key = `${peer}/${toHex(head.id)}`
    const known = this.#accepted.get(key)
    if (known?.at === 'deciding') {
      this.#refuse(port, REFUSE.busy)
      return
    }
    if (known !== undefined) {
      if (known.sealed === sealed) {
        const answer = known.end.reopen(head, this.#keeper.now())
        this.#attachAnswered(known.engine, arrival, answer, head.epoch)
      } else {
        this.#refuse(port, REFUSE.unknown)
      }
      return
    }
    if (!this.#quota.accepted.take(peer)) {
      this.#refuse(port, REFUSE.overloaded)
      return
    }
    this.#accepted.set(key, { at: 'deciding' })
    const request: SessionRequest = {
      channel: head.channel,
      mode: head.mode,
      bytes: head.bytes,
      peer,
      linkId,
      sealed
    }
    const decision = await this.#decide(request, port, signal)
    if ('refuse' in decision || port.isLost || signal.aborted) {
      this.#accepted.delete(key)
      this.#quota.accepted.give(peer)
      if (port.isLost) port.abort(new SessionClosedError('the dialler is gone'))
      else this.#refuse(port, 'refuse' in decision ? decision.refuse : REFUSE.failed)
      return
    }
    const secret = new Uint8Array(this.#randomBytes(SECRET_BYTES))
    const end = new AcceptedEnd(head, secret, this.#context, this.#keeper.now())
    const init: EngineInit = { id: toHex(head.id), channel: head.channel, peer, mode: head.mode }
    const engine = new SessionEngine(init, end.core, this.#keeper)
    const entry: Accepted = { at: 'accepted', engine, end, sealed }
    this.#accepted.set(key, entry)
    this.#add(entry, key)
    // Who publishes to many may leave messages out, and says so.
    const session = this.#newSession(engine, head.bytes, head.mode !== 'unicast')
    port.send([encodeHead(end.acceptHead)])
    engine.attach(port, linkId, head.epoch, rest)
    try {
      decision.accept(session)
    } catch (error) {
      session.abort(asError(error))
    }
  }

  async #decide(
    request: SessionRequest,
    port: StreamPort,
    signal: AbortSignal
  ): Promise<SessionDecision> {
    const stop = new AbortController()
    const onAbort = (): void => stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort)
    port.use({
      onBytes() {},
      onDrain() {},
      onLost: error => stop.abort(error ?? new SessionClosedError('the dialler is gone'))
    })
    try {
      return await waitFor(Promise.resolve(this.#acceptor(request, stop.signal)), stop.signal)
    } catch {
      // Too late, or the acceptor failed: the peer is told so, and no more.
      return { refuse: this.#status === 'open' ? REFUSE.failed : REFUSE.closing }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #onResume(arrival: Arrival, head: ResumeHead): Promise<void> {
    const { port, peer, linkId, sealed, signal } = arrival
    // The peer is part of the key: a session of another peer is unknown.
    const known = this.#accepted.get(`${peer}/${toHex(head.id)}`)
    if (known === undefined || known.at === 'deciding' || known.sealed !== sealed) {
      this.#refuse(port, REFUSE.unknown)
      return
    }
    const { channel } = known.engine.init
    const mayResume = this.#readmitter
    // Only who has proven the session learns anything of it, and is asked about.
    if (mayResume !== undefined && known.end.refusal(head) === undefined) {
      const answer = Promise.resolve(mayResume({ channel, peer, linkId }, signal))
      if (!(await waitFor(answer, signal))) {
        this.#refuse(port, REFUSE.channel)
        known.engine.abort(
          new SessionRevokedError(
            `peer ${peer} may no longer use channel ${JSON.stringify(channel)}`
          )
        )
        return
      }
    }
    const answer = known.end.resume(head, this.#keeper.now())
    this.#attachAnswered(known.engine, arrival, answer, head.epoch)
  }

  #attachAnswered(
    engine: SessionEngine,
    { port, linkId, rest }: Arrival,
    answer: ReturnType<AcceptedEnd['resume']> | ReturnType<AcceptedEnd['reopen']>,
    epoch: number
  ): void {
    port.send([encodeHead(answer)])
    if (answer.type === 'refuse') {
      this.#retired.add(port)
      engine.pump()
    } else {
      engine.attach(port, linkId, epoch, rest)
    }
  }

  #refuse(port: StreamPort, code: RefuseCode): void {
    port.send([encodeHead({ type: 'refuse', code })])
    this.#retired.add(port)
  }

  // --- Tables ---

  #newStop(): AbortController {
    const stop = new AbortController()
    this.#stops.add(stop)
    return stop
  }

  #newSession(
    engine: SessionEngine,
    bytes: boolean,
    gaps = false
  ): EngineByteSession | EngineMessageSession {
    if (bytes) return new EngineByteSession(engine)
    return new EngineMessageSession(engine, this.#options, gaps)
  }

  #add(entry: Entry, key: string): void {
    this.#live++
    this.#entries.set(entry.engine, { entry, key })
  }

  #onAttached(engine: SessionEngine, linkId: string): void {
    engine.core.limitInFlight(this.#inFlightOn(linkId))
    engine.instance ??= this.#instanceOn(linkId)
    const engines = this.#byLink.get(linkId)
    if (engines === undefined) this.#byLink.set(linkId, new Set([engine]))
    else engines.add(engine)
  }

  /** Ends sessions with earlier runs of a peer's tunnel; it is started anew and holds none of them. */
  #loseOthers(peer: string, instance: string): void {
    for (const engine of Array.from(this.#entries.keys())) {
      if (engine.init.peer !== peer || (engine.instance ?? instance) === instance) continue
      engine.discard('the peer was started anew, and no longer holds the session. Open a new one')
    }
  }

  #onDetached(engine: SessionEngine, linkId: string): void {
    const engines = this.#byLink.get(linkId)
    if (engines?.delete(engine) === true && engines.size === 0) this.#byLink.delete(linkId)
    const known = this.#entries.get(engine)
    if (known?.entry.at === 'dialled') known.entry.reattacher.start()
    this.#onLess()
  }

  #onEnded(engine: SessionEngine): void {
    if (this.#entries.has(engine)) this.#live--
    this.#onLess()
  }

  #onGone(engine: SessionEngine): void {
    this.#timer.unschedule(engine)
    const known = this.#entries.get(engine)
    if (known === undefined) return
    const { entry, key } = known
    this.#entries.delete(engine)
    this.#quota[entry.at].give(engine.init.peer)
    if (entry.at === 'dialled') {
      entry.reattacher.stop()
      this.#dialled.delete(key)
    } else {
      this.#accepted.delete(key)
    }
    this.#onLess()
  }

  // --- The end ---

  async #close(): Promise<void> {
    this.#status = 'closing'
    for (const stop of this.#stops) stop.abort(new SessionClosedError(CLOSED))
    const limit = deadline(this.#options.closeTimeout, () => new SessionClosedError(CLOSED))
    for (const engine of this.#entries.keys()) {
      // How each ended is told by its own `closed`.
      engine.close().catch(() => {})
    }
    await this.#until(() => this.#live === 0, limit.signal)
    for (const engine of this.#entries.keys()) {
      engine.reset(RESET.shutdown, CLOSED, new SessionClosedError(CLOSED))
    }
    // The last words are on their way; a peer that does not answer to them is not waited for.
    await this.#until(
      () => this.#heads.size + this.#retired.size === 0 && this.#isQuiet,
      limit.signal
    )
    limit.clear()
    this.#status = 'closed'
    for (const engine of this.#entries.keys()) engine.discard('the tunnel was closed')
    for (const port of this.#heads) port.abort(new SessionClosedError(CLOSED))
    this.#retired.abortAll(new SessionClosedError(CLOSED))
    this.#timer.clear()
  }

  /** No session says or awaits a last word on a stream. */
  get #isQuiet(): boolean {
    for (const engine of this.#entries.keys()) if (engine.core.isAttached) return false
    return true
  }

  /** Waits until the tables say so, or the signal aborts. */
  async #until(isReached: () => boolean, signal: AbortSignal): Promise<void> {
    if (isReached() || signal.aborted) return
    const reached = new Promise<void>(resolve => {
      this.#onLess = () => {
        if (isReached()) resolve()
      }
    })
    await waitFor(reached, signal).catch(() => {})
    this.#onLess = () => {}
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
