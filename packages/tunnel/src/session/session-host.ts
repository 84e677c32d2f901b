import { randomBytes } from 'node:crypto'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { Backoff, deadline, waitFor } from '@warren/utils'
import { EngineByteSession } from './byte-session.ts'
import { REFUSE, RESET, type RefuseCode } from './codes.ts'
import { DeadlineQueue, type Expiring } from './deadline-queue.ts'
import {
  SessionClosedError,
  SessionLimitError,
  SessionOpenError,
  SessionProtocolError
} from './errors.ts'
import { encodeReset } from './frames.ts'
import { readHead } from './head-exchange.ts'
import {
  type DecodedHead,
  ID_BYTES,
  type OpenHead,
  type ResumeHead,
  SECRET_BYTES,
  encodeHead
} from './heads.ts'
import { type MemoryBudget, processBudget } from './memory-budget.ts'
import { EngineMessageSession } from './message-session.ts'
import { type ReattachKeeper, Reattacher } from './reattacher.ts'
import { refusalError } from './refusal.ts'
import { AcceptedEnd, DialledEnd, type EndContext } from './session-ends.ts'
import { type EngineInit, type EngineKeeper, SessionEngine } from './session-engine.ts'
import type {
  OpenRequest,
  SessionAcceptor,
  SessionDecision,
  SessionHostApi,
  SessionHostDebug,
  SessionHostOptions,
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
  readonly #context: EndContext
  readonly #randomBytes: (length: number) => Uint8Array
  readonly #random: () => number
  /** By the session's id. */
  readonly #dialled = new Map<string, Dialled>()
  /** By the peer and the session's id. */
  readonly #accepted = new Map<string, Accepted | Deciding>()
  readonly #entries = new Map<SessionEngine, { readonly entry: Entry; readonly key: string }>()
  /** Sessions, tombstones and dials under way, by direction and peer. */
  readonly #counts = new Map<string, number>()
  readonly #byLink = new Map<string, Set<SessionEngine>>()
  readonly #heads = new Set<StreamPort>()
  readonly #closing = new Map<StreamPort, Expiring>()
  readonly #deadlines = new DeadlineQueue()
  /** Sessions that are not over for their application. */
  #live = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** What stops the heads and dials under way. */
  readonly #stops = new Set<AbortController>()
  #status: 'open' | 'closing' | 'closed' = 'open'
  #closed: Promise<void> | undefined
  /** Called whenever a table has become smaller, while the host closes. */
  #onLess: () => void = () => {}
  readonly #keeper: EngineKeeper & ReattachKeeper

  /** @throws {InvalidSessionOptionError} */
  constructor(options: SessionHostOptions) {
    const { acceptor, budget, randomBytes: bytes, random, ...limits } = options
    this.#options = sessionOptions(limits)
    this.#acceptor = acceptor
    this.#context = { options: this.#options, budget: budget ?? processBudget }
    this.#randomBytes = bytes ?? randomBytes
    this.#random = random ?? Math.random
    this.#keeper = {
      now: () => performance.now(),
      random: () => this.#random(),
      schedule: (engine, at) => this.#schedule(engine, at),
      scheduleAt: (item, at) => this.#schedule(item, at),
      unschedule: item => this.#deadlines.delete(item),
      attached: (engine, linkId) => this.#onAttached(engine, linkId),
      detached: (engine, linkId) => this.#onDetached(engine, linkId),
      ended: engine => this.#onEnded(engine),
      gone: engine => this.#onGone(engine),
      retire: port => this.#retire(port)
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
    const release = this.#reserve('dialled', peer)
    if (release === undefined) {
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
      return await this.#dial(request, end, stop.signal)
    } catch (error) {
      release()
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
    readHead(port, limit.signal)
      .then(async decoded => this.#onHead(port, decoded, peer, linkId, limit.signal))
      .catch((error: unknown) => port.abort(asError(error)))
      .finally(() => {
        limit.clear()
        this.#stops.delete(stop)
        this.#heads.delete(port)
        this.#onLess()
      })
  }

  linkUp(peer: string): void {
    for (const { engine, reattacher } of this.#dialled.values()) {
      if (engine.init.peer === peer) reattacher.wake()
    }
  }

  linkDown(linkId: string, error: Error = new SessionClosedError('the link is down')): void {
    const engines = this.#byLink.get(linkId)
    if (engines === undefined) return
    for (const engine of [...engines]) engine.dropLink(error)
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
      closing: this.#closing.size,
      peers: this.#counts.size,
      links: this.#byLink.size,
      deadlines: this.#deadlines.size
    }
  }

  // --- Dialling ---

  async #dial(
    request: OpenRequest,
    end: DialledEnd,
    signal: AbortSignal
  ): Promise<Session | ByteSession> {
    const backoff = new Backoff(this.#options.reattach, this.#random)
    const giveUpAt = this.#keeper.now() + this.#options.headTimeout
    for (;;) {
      const opened = await this.#tryOpen(request, end, signal)
      if ('session' in opened) return opened.session
      const wait = backoff.next()
      if (this.#keeper.now() + wait > giveUpAt) {
        throw new SessionOpenError(
          `streams to peer ${request.peer} break before the session is open: try again`,
          { cause: opened.error }
        )
      }
      await sleep(wait, signal)
    }
  }

  /** One stream's try; an `error` says that another stream may do better. */
  async #tryOpen(
    request: OpenRequest,
    end: DialledEnd,
    signal: AbortSignal
  ): Promise<{ session: Session | ByteSession } | { error: unknown }> {
    const { stream, linkId } = await request.openStream(signal)
    const port = new StreamPort(stream)
    const offer = end.offer()
    port.send([encodeHead(offer)])
    const late = (): Error => new SessionOpenError(`peer ${request.peer} did not answer in time`)
    const limit = deadline(this.#options.headTimeout, late, signal)
    let decoded: DecodedHead
    try {
      decoded = await readHead(port, limit.signal)
    } catch (error) {
      if (signal.aborted) {
        // The peer may have accepted, or may do so yet: it must not keep a session for nobody.
        port.send([encodeReset(RESET.cancelled, 'the dial was given up')])
        this.#retire(port)
        throw signal.reason
      }
      const wasLost = port.isLost || limit.signal.aborted
      port.abort(asError(error))
      if (wasLost) return { error }
      throw error
    } finally {
      limit.clear()
    }
    const answer = end.answer(offer, decoded.head, this.#keeper.now())
    if (answer.at === 'attached') {
      return { session: this.#addDialled(request, end, port, linkId, decoded.rest) }
    }
    this.#retire(port)
    const error = refusalError(answer.code, request, request.peer)
    if (answer.at === 'again') return { error }
    throw error
  }

  #addDialled(
    request: OpenRequest,
    end: DialledEnd,
    port: StreamPort,
    linkId: string,
    rest: Uint8Array
  ): Session | ByteSession {
    const { core } = end
    if (core === undefined) throw new SessionProtocolError('an accepted session has no state')
    const key = toHex(end.id)
    const init = { id: key, channel: request.channel, peer: request.peer, mode: request.mode }
    const engine = new SessionEngine(init, core, this.#keeper)
    const reattacher = new Reattacher(end, engine, request.openStream, this.#options, this.#keeper)
    const entry: Dialled = { at: 'dialled', engine, reattacher }
    this.#dialled.set(key, entry)
    this.#add(entry, key)
    const session = this.#newSession(engine, request.bytes)
    engine.attach(port, linkId, core.epoch, rest)
    return session
  }

  // --- Accepting ---

  async #onHead(
    port: StreamPort,
    { head, rest }: DecodedHead,
    peer: string,
    linkId: string,
    signal: AbortSignal
  ): Promise<void> {
    switch (head.type) {
      case 'open':
        if (this.#status !== 'open') this.#refuse(port, REFUSE.closing)
        else await this.#onOpen(port, head, rest, peer, linkId, signal)
        return
      case 'resume':
        this.#onResume(port, head, rest, peer, linkId)
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

  async #onOpen(
    port: StreamPort,
    head: OpenHead,
    rest: Uint8Array,
    peer: string,
    linkId: string,
    signal: AbortSignal
  ): Promise<void> {
    const key = `${peer}/${toHex(head.id)}`
    const known = this.#accepted.get(key)
    if (known?.at === 'deciding') {
      this.#refuse(port, REFUSE.busy)
      return
    }
    if (known !== undefined) {
      const answer = known.end.reopen(head, this.#keeper.now())
      this.#attachAnswered(known.engine, port, answer, head.epoch, linkId, rest)
      return
    }
    const release = this.#reserve('accepted', peer)
    if (release === undefined) {
      this.#refuse(port, REFUSE.overloaded)
      return
    }
    this.#accepted.set(key, { at: 'deciding' })
    const request: SessionRequest = {
      channel: head.channel,
      mode: head.mode,
      bytes: head.bytes,
      peer,
      linkId
    }
    const decision = await this.#decide(request, port, signal)
    if ('refuse' in decision || port.isLost || signal.aborted) {
      this.#accepted.delete(key)
      release()
      if (port.isLost) port.abort(new SessionClosedError('the dialler is gone'))
      else this.#refuse(port, 'refuse' in decision ? decision.refuse : REFUSE.failed)
      return
    }
    const secret = new Uint8Array(this.#randomBytes(SECRET_BYTES))
    const end = new AcceptedEnd(head, secret, this.#context, this.#keeper.now())
    const init: EngineInit = { id: toHex(head.id), channel: head.channel, peer, mode: head.mode }
    const engine = new SessionEngine(init, end.core, this.#keeper)
    const entry: Accepted = { at: 'accepted', engine, end }
    this.#accepted.set(key, entry)
    this.#add(entry, key)
    const session = this.#newSession(engine, head.bytes)
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

  #onResume(
    port: StreamPort,
    head: ResumeHead,
    rest: Uint8Array,
    peer: string,
    linkId: string
  ): void {
    // The peer is part of the key: a session of another peer is unknown.
    const known = this.#accepted.get(`${peer}/${toHex(head.id)}`)
    if (known === undefined || known.at === 'deciding') {
      this.#refuse(port, REFUSE.unknown)
      return
    }
    const answer = known.end.resume(head, this.#keeper.now())
    this.#attachAnswered(known.engine, port, answer, head.epoch, linkId, rest)
  }

  #attachAnswered(
    engine: SessionEngine,
    port: StreamPort,
    answer: ReturnType<AcceptedEnd['resume']> | ReturnType<AcceptedEnd['reopen']>,
    epoch: number,
    linkId: string,
    rest: Uint8Array
  ): void {
    port.send([encodeHead(answer)])
    if (answer.type === 'refuse') {
      this.#retire(port)
      engine.pump()
    } else {
      engine.attach(port, linkId, epoch, rest)
    }
  }

  #refuse(port: StreamPort, code: RefuseCode): void {
    port.send([encodeHead({ type: 'refuse', code })])
    this.#retire(port)
  }

  // --- Tables ---

  #newStop(): AbortController {
    const stop = new AbortController()
    this.#stops.add(stop)
    return stop
  }

  #newSession(engine: SessionEngine, bytes: boolean): EngineByteSession | EngineMessageSession {
    return bytes ? new EngineByteSession(engine) : new EngineMessageSession(engine, this.#options)
  }

  #add(entry: Entry, key: string): void {
    this.#live++
    this.#entries.set(entry.engine, { entry, key })
  }

  /** Counts one more session; `undefined` when that would pass the limit. */
  #reserve(at: Entry['at'], peer: string): (() => void) | undefined {
    const key = `${at}/${peer}`
    const count = this.#counts.get(key) ?? 0
    if (count >= this.#options.sessionsPerPeer) return undefined
    this.#counts.set(key, count + 1)
    return () => this.#release(key)
  }

  #release(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }

  #onAttached(engine: SessionEngine, linkId: string): void {
    const engines = this.#byLink.get(linkId)
    if (engines === undefined) this.#byLink.set(linkId, new Set([engine]))
    else engines.add(engine)
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
    this.#deadlines.delete(engine)
    const known = this.#entries.get(engine)
    if (known === undefined) return
    const { entry, key } = known
    this.#entries.delete(engine)
    this.#release(`${entry.at}/${engine.init.peer}`)
    if (entry.at === 'dialled') {
      entry.reattacher.stop()
      this.#dialled.delete(key)
    } else {
      this.#accepted.delete(key)
    }
    this.#onLess()
  }

  /** Closes a stream whose session is over, and aborts it when the peer does not close it too. */
  #retire(port: StreamPort): void {
    const timeout: Expiring = {
      onDeadline: () => {
        this.#closing.delete(port)
        this.#onLess()
        port.abort(new SessionClosedError('the peer did not close the stream in time'))
      }
    }
    this.#closing.set(port, timeout)
    this.#schedule(timeout, this.#keeper.now() + this.#options.closeTimeout)
    port.close(() => {
      this.#closing.delete(port)
      this.#deadlines.delete(timeout)
      this.#onLess()
    })
  }

  // --- Time ---

  #schedule(item: Expiring, at: number): void {
    this.#deadlines.set(item, at)
    this.#arm()
  }

  #arm(): void {
    const next = this.#deadlines.next
    if (next === undefined || next >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = next
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(next - this.#keeper.now())))
    // Tombstones alone keep no process alive.
    if (this.#live === 0) this.#timer.unref()
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#keeper.now()
    for (let item = this.#deadlines.takeDue(now); item !== undefined; ) {
      item.onDeadline(now)
      item = this.#deadlines.takeDue(now)
    }
    this.#arm()
  }

  // --- The end ---

  async #close(): Promise<void> {
    this.#status = 'closing'
    for (const stop of this.#stops) stop.abort(new SessionClosedError(CLOSED))
    const limit = deadline(this.#options.closeTimeout, () => new SessionClosedError(CLOSED))
    for (const engine of [...this.#entries.keys()]) {
      // How each ended is told by its own `closed`.
      engine.close().catch(() => {})
    }
    await this.#until(() => this.#live === 0, limit.signal)
    for (const engine of [...this.#entries.keys()]) {
      engine.reset(RESET.shutdown, CLOSED, new SessionClosedError(CLOSED))
    }
    // The last words are on their way; a peer that does not answer to them is not waited for.
    await this.#until(
      () => this.#heads.size + this.#closing.size === 0 && this.#isQuiet,
      limit.signal
    )
    limit.clear()
    this.#status = 'closed'
    for (const engine of [...this.#entries.keys()]) engine.discard()
    for (const port of [...this.#heads, ...this.#closing.keys()]) {
      port.abort(new SessionClosedError(CLOSED))
    }
    this.#heads.clear()
    this.#closing.clear()
    this.#deadlines.clear()
    clearTimeout(this.#timer)
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

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
