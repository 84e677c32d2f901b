import { CONNECTION_CODE, type ByteAccount } from '@warren/interface'
import {
  YamuxGoAwayError,
  YamuxKeepAliveError,
  YamuxProtocolError,
  YamuxResourceLimitError
} from '../errors.ts'
import { FLAG, FRAME, GO_AWAY, INITIAL_WINDOW, RESET } from './constants.ts'
import { ControlQueue } from './control-queue.ts'
import { FloodGuard } from './flood-guard.ts'
import { FrameParser } from './frame-parser.ts'
import type { FrameSink } from './frame-parser.ts'
import { KeepAlive } from './keep-alive.ts'
import type { ReceiveBudget } from './receive-budget.ts'
import { SendScheduler } from './send-scheduler.ts'
import type { SendReport } from './send-scheduler.ts'
import { NOTHING, StreamState } from './stream-state.ts'

/** A peer that ends its connection with one of these ends it in peace. */
const CALM_ENDS: ReadonlySet<number> = new Set([
  GO_AWAY.normal,
  CONNECTION_CODE.supplanted,
  CONNECTION_CODE.garbageCollected,
  CONNECTION_CODE.shutdown
])
/** Frames that an honest peer may send for a stream after we let go of it: credit, FIN, RST. */
const STALE_PER_STREAM = 8
const MAX_STALE = 65_536
/** Bytes that an honest peer may still send for such streams: what credit they had left. */
const MAX_STALE_BYTES = 256 * 1024 * 1024

/** Limits of one session; see `DEFAULTS` for meanings and values. */
export interface SessionLimits {
  readonly maxStreamWindowSize: number
  readonly maxConnectionBuffer: number
  readonly maxInboundStreams: number
  readonly keepAliveInterval: number
  readonly keepAliveMisses: number
  readonly maxControlFrames: number
  readonly maxPingsWaiting: number
  readonly resetBurst: number
  readonly resetsPerSecond: number
  readonly glitchBurst: number
  readonly glitchesPerSecond: number
}

/** What a session tells its shell. Called from within the session's methods; must not throw. */
export interface SessionEvents<Owner> {
  /** The peer opened a stream. */
  opened(stream: StreamState<Owner>): void
  /** The peer knows the stream that we opened. */
  acknowledged(stream: StreamState<Owner>): void
  /** Bytes of a stream, in place in the chunk given to `receive`; they count as unread. */
  data(stream: StreamState<Owner>, bytes: Uint8Array): void
  /** The peer ended its direction. */
  ended(stream: StreamState<Owner>): void
  /** The stream was reset: by the peer (with its code), or by us over a limit (with the error). */
  reset(stream: StreamState<Owner>, code: number, error?: Error): void
  /** Some of what was queued on the stream has left, or its window grew. */
  progress(stream: StreamState<Owner>): void
  /** The end of our direction has left. */
  endSent(stream: StreamState<Owner>): void
  /** The peer will take no more streams. */
  goAway(): void
  /** There is output: call {@link YamuxSession.pollOutput} when the connection can take it. */
  output(): void
}

/**
 * Yamux without I/O: bytes and time in, bytes and events out.
 *
 * Input: {@link YamuxSession.receive} with each chunk from the connection, `onTimer` at
 * `nextTimeout()`. Commands: `open`, `write`, `end`, `reset`, `taken`, `putBack`, `goAway`. Output:
 * `pollOutput` after each `output()` event, as long as the connection takes what it gives. A method
 * that throws has ended the session: send what `pollOutput` still gives (the GOAWAY), then close.
 *
 * The receive window is credited by what the reader has **taken**: unread bytes plus outstanding
 * credit never exceed the stream's window.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md
 */
export class YamuxSession<Owner> implements FrameSink, SendReport<Owner> {
  readonly #events: SessionEvents<Owner>
  readonly #limits: SessionLimits
  readonly #budget: ReceiveBudget
  readonly #account: ByteAccount | undefined
  readonly #client: boolean
  readonly #parser: FrameParser
  readonly #control: ControlQueue
  readonly #scheduler = new SendScheduler<Owner>()
  readonly #guard: FloodGuard
  readonly #keepAlive: KeepAlive
  readonly streams = new Map<number, StreamState<Owner>>()

  #now: number
  #nextId: number
  #inbound = 0
  #unacknowledged = 0
  #held = 0
  #ended = false
  #remoteGoAway: number | undefined
  /** The stream whose DATA body is being read; `undefined` while a body is skipped. */
  #bodyOf: StreamState<Owner> | undefined
  #bodyEnds = false
  /** How many frames the peer may still send for streams that are gone. */
  #staleAllowance = 0
  /** And how many bytes in them. */
  #staleBytes = 0

  #pingId = 0
  #pingSentAt: number | undefined
  #rtt: number | undefined
  #rttAt = -Infinity

  constructor(
    role: 'client' | 'server',
    limits: SessionLimits,
    budget: ReceiveBudget,
    events: SessionEvents<Owner>,
    now: number,
    account?: ByteAccount
  ) {
    this.#account = account
    this.#events = events
    this.#limits = limits
    this.#budget = budget
    this.#client = role === 'client'
    this.#nextId = this.#client ? 1 : 2
    this.#now = now
    this.#control = new ControlQueue(limits.maxControlFrames, limits.maxPingsWaiting)
    this.#guard = new FloodGuard(limits, now)
    this.#keepAlive = new KeepAlive(limits.keepAliveInterval, limits.keepAliveMisses, now)
    this.#parser = new FrameParser(this)
  }

  /** Round-trip time in milliseconds, once measured. */
  get rtt(): number | undefined {
    return this.#rtt
  }

  /** Bytes that were received and not taken, over all streams. */
  get heldBytes(): number {
    return this.#held
  }

  /** Outbound streams that the peer has not shown to know. */
  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** The code with which the peer said that it takes no more streams, once it has. */
  get remoteGoAway(): number | undefined {
    return this.#remoteGoAway
  }

  /** Sizes of every table, for leak tests. */
  debug(): {
    streams: number
    inbound: number
    unacknowledged: number
    held: number
    control: number
    scheduled: number
  } {
    return {
      streams: this.streams.size,
      inbound: this.#inbound,
      unacknowledged: this.#unacknowledged,
      held: this.#held,
      control: this.#control.length,
      scheduled: this.#scheduler.waiting
    }
  }

  // ── input ────────────────────────────────────────────────────────────────────────────────────

  /** @throws the error that ends the connection; a GOAWAY is then in the output */
  receive(chunk: Uint8Array, now: number): void {
    if (this.#ended) return
    this.#now = now
    this.#keepAlive.heard(now)
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  /** When `onTimer` has something to do, in the time of `now`; `Infinity` for never. */
  nextTimeout(): number {
    return this.#ended ? Infinity : this.#keepAlive.nextTimeout
  }

  /** @throws {YamuxKeepAliveError} when the peer is dead */
  onTimer(now: number): void {
    if (this.#ended) return
    this.#now = now
    const verdict = this.#keepAlive.check(now)
    if (verdict === 'ping') this.#ping()
    if (verdict === 'dead') {
      const error = new YamuxKeepAliveError(
        `the peer was silent for ${this.#limits.keepAliveInterval} ms and did not answer ${this.#limits.keepAliveMisses} pings`
      )
      this.#ended = true
      throw error
    }
  }

  // ── commands ─────────────────────────────────────────────────────────────────────────────────

  /** Opens a stream. The SYN leaves with the next output, together with the first bytes if there are any. */
  open(): StreamState<Owner> {
    const stream = new StreamState<Owner>(this.#nextId, 'outbound', FLAG.syn)
    this.#nextId += 2
    this.streams.set(stream.id, stream)
    this.#unacknowledged++
    this.#schedule(stream)
    return stream
  }

  /** Queues bytes; they are kept by reference until they have left. */
  write(stream: StreamState<Owner>, chunk: Uint8Array): void {
    if (stream.dead || stream.localEnd !== 'open' || chunk.length === 0) return
    if (stream.queue === NOTHING) stream.queue = [chunk]
    else stream.queue.push(chunk)
    stream.queuedBytes += chunk.length
    this.#schedule(stream)
  }

  /** Ends our direction once everything queued has left. */
  end(stream: StreamState<Owner>): void {
    if (stream.dead || stream.localEnd !== 'open') return
    stream.localEnd = 'wanted'
    this.#schedule(stream)
  }

  /** Resets the stream: what is queued and unread is thrown away, and the peer is told `code`. */
  reset(stream: StreamState<Owner>, code: number): void {
    if (stream.dead) return
    const unknownToPeer = (stream.pendingFlags & FLAG.syn) !== 0
    this.#drop(stream)
    if (this.#ended || unknownToPeer) return
    this.#control.push(FRAME.windowUpdate, FLAG.rst | stream.pendingFlags, stream.id, code)
    this.#events.output()
  }

  /** The reader took `bytes`; credit follows. */
  taken(stream: StreamState<Owner>, bytes: number, now: number): void {
    if (!stream.accounted) return
    stream.unread -= bytes
    this.#hold(stream, -bytes)
    if (stream.remoteEnded || this.#ended) return
    this.#now = now
    this.#grant(stream)
  }

  /** The reader put `bytes` back: they count as unread again. */
  putBack(stream: StreamState<Owner>, bytes: number): void {
    if (!stream.accounted) return
    stream.unread += bytes
    this.#hold(stream, bytes)
  }

  /** What the stream holds counts in `account` too, from now on. */
  countIn(stream: StreamState<Owner>, account: ByteAccount): void {
    if (!stream.accounted || stream.account !== undefined) return
    stream.account = account
    account.hold(stream.unread)
  }

  /** Tells the peer that no more streams are taken. */
  goAway(code: number): void {
    if (this.#ended) return
    this.#control.push(FRAME.goAway, 0, 0, code)
    this.#events.output()
  }

  // ── output ───────────────────────────────────────────────────────────────────────────────────

  /** The next frames, about `maxBytes` of them; `undefined` when there is nothing to send now. */
  pollOutput(maxBytes: number): Uint8Array[] | undefined {
    const out = this.#control.length > 0 ? this.#control.take() : []
    if (!this.#ended) this.#scheduler.collect(out, maxBytes, this)
    return out.length === 0 ? undefined : out
  }

  /** For the scheduler: some of the stream's queue has left. */
  sent(stream: StreamState<Owner>): void {
    this.#events.progress(stream)
  }

  /** For the scheduler: the end of our direction has left. */
  endSent(stream: StreamState<Owner>): void {
    this.#events.endSent(stream)
    this.#finishIfDone(stream)
  }

  #schedule(stream: StreamState<Owner>): void {
    const before = this.#scheduler.waiting
    this.#scheduler.schedule(stream)
    if (this.#scheduler.waiting !== before) this.#events.output()
  }

  // ── frames ───────────────────────────────────────────────────────────────────────────────────

  /** For the parser: a frame begins. */
  onHeader(version: number, type: number, flags: number, id: number, length: number): number {
    this.#bodyOf = undefined
    this.#bodyEnds = false
    if (version !== 0) throw new YamuxProtocolError(`yamux version ${version} is not known`)
    if (type === FRAME.data || type === FRAME.windowUpdate) {
      if (id === 0) throw new YamuxProtocolError('a stream frame for stream 0')
      return this.#onStreamFrame(type, flags, id, length)
    }
    if (id !== 0) throw new YamuxProtocolError(`a session frame for stream ${id}`)
    if (type === FRAME.ping) this.#onPing(flags, length)
    else if (type === FRAME.goAway) this.#onGoAway(length)
    else throw new YamuxProtocolError(`frame type ${type} is not known`)
    return 0
  }

  #onStreamFrame(type: number, flags: number, id: number, length: number): number {
    const body = type === FRAME.data ? length : 0
    // Before a byte of the body is kept, and before a stream is made for it.
    let stream = this.streams.get(id)
    if (
      body > (stream?.credit ?? INITIAL_WINDOW) &&
      (stream !== undefined || (flags & FLAG.syn) !== 0)
    ) {
      throw new YamuxProtocolError(
        `stream ${id}: a frame of ${body} bytes is over the receive window (${stream?.credit ?? INITIAL_WINDOW} left)`
      )
    }
    if ((flags & FLAG.syn) !== 0) {
      if (stream !== undefined) throw new YamuxProtocolError(`stream ${id} is opened twice`)
      stream = this.#onSyn(id)
    }
    if (stream === undefined) {
      // Of a stream that we reset, refused or finished: the peer did not know yet. Skip the body.
      if ((flags & FLAG.syn) === 0) this.#onStaleFrame(body)
      return body
    }
    if (!stream.acknowledged) {
      stream.acknowledged = true
      this.#unacknowledged--
      this.#events.acknowledged(stream)
    }
    if ((flags & FLAG.rst) !== 0) {
      this.#onReset(stream, type === FRAME.windowUpdate ? length : RESET.none)
      return body
    }
    if (stream.remoteEnded && body > 0) {
      throw new YamuxProtocolError(`stream ${id}: data after the end`)
    }
    if (type === FRAME.windowUpdate) this.#onWindowUpdate(stream, length, flags)
    else if (length === 0 && flags === 0) this.#guard.glitch(this.#now)
    this.#bodyEnds = (flags & FLAG.fin) !== 0
    this.#bodyOf = stream
    return body
  }

  /** A frame for a stream that is gone: a few for each such stream are honest, and data on its credit. */
  #onStaleFrame(body: number): void {
    if (body > 0 && body <= this.#staleBytes) this.#staleBytes -= body
    else if (body === 0 && this.#staleAllowance > 0) this.#staleAllowance--
    else this.#guard.glitch(this.#now)
  }

  #expectStale(frames: number, bytes: number): void {
    this.#staleAllowance = Math.min(this.#staleAllowance + frames, MAX_STALE)
    this.#staleBytes = Math.min(this.#staleBytes + bytes, MAX_STALE_BYTES)
  }

  /** A stream that the peer opens; `undefined` when it is refused. */
  #onSyn(id: number): StreamState<Owner> | undefined {
    if ((id % 2 === 1) === this.#client) {
      throw new YamuxProtocolError(`stream ${id} is opened with an id of our side`)
    }
    if (this.#inbound >= this.#limits.maxInboundStreams) {
      this.#guard.reset(this.#now)
      this.#control.answer(FRAME.windowUpdate, FLAG.rst, id, RESET.resourceLimit)
      this.#expectStale(STALE_PER_STREAM, INITIAL_WINDOW)
      this.#events.output()
      return undefined
    }
    const stream = new StreamState<Owner>(id, 'inbound', FLAG.ack)
    this.#inbound++
    this.streams.set(id, stream)
    this.#schedule(stream)
    this.#events.opened(stream)
    return stream
  }

  #onWindowUpdate(stream: StreamState<Owner>, delta: number, flags: number): void {
    if (delta === 0) {
      if (flags === 0) this.#guard.glitch(this.#now)
      return
    }
    if (stream.sendWindow + delta > 0xffffffff) {
      throw new YamuxProtocolError(`stream ${stream.id}: the send window passes 2^32 - 1`)
    }
    stream.sendWindow += delta
    this.#schedule(stream)
    this.#events.progress(stream)
  }

  #onReset(stream: StreamState<Owner>, code: number): void {
    if (stream.direction === 'inbound') this.#guard.reset(this.#now)
    this.#drop(stream)
    this.#events.reset(stream, code)
  }

  /** For the parser: bytes of its body. */
  onBody(bytes: Uint8Array): void {
    const stream = this.#bodyOf
    if (stream === undefined || stream.dead) return
    stream.credit -= bytes.length
    stream.unread += bytes.length
    this.#hold(stream, bytes.length)
    this.#events.data(stream, bytes)
    if (stream.account?.over === true) this.#resetOverLimit(stream, stream.account)
    if (
      this.#held > this.#limits.maxConnectionBuffer ||
      this.#budget.held > this.#budget.limit ||
      this.#account?.over === true
    ) {
      this.#resetLargest()
    }
  }

  /** For the parser: it is complete. */
  onFrameEnd(): void {
    const stream = this.#bodyOf
    if (stream === undefined || stream.dead || !this.#bodyEnds || stream.remoteEnded) return
    stream.remoteEnded = true
    this.#events.ended(stream)
    this.#finishIfDone(stream)
  }

  #onPing(flags: number, id: number): void {
    if (flags === FLAG.syn) {
      // More than an honest peer ever has under way: it waits for answers, or does not read them.
      if (this.#control.pongsFull) this.#guard.glitch(this.#now)
      this.#control.answer(FRAME.ping, FLAG.ack, 0, id)
      this.#events.output()
    } else if (flags === FLAG.ack) {
      if (this.#pingSentAt === undefined || id !== this.#pingId) {
        this.#guard.glitch(this.#now)
        return
      }
      const sample = this.#now - this.#pingSentAt
      this.#rtt = this.#rtt === undefined ? sample : 0.8 * this.#rtt + 0.2 * sample
      this.#rttAt = this.#now
      this.#pingSentAt = undefined
    } else {
      throw new YamuxProtocolError(`a ping with flags ${flags}`)
    }
  }

  #onGoAway(code: number): void {
    this.#remoteGoAway = code
    if (!CALM_ENDS.has(code)) {
      throw new YamuxGoAwayError(`the peer ended the connection with GOAWAY code ${code}`, code)
    }
    this.#events.goAway()
  }

  // ── windows and memory ───────────────────────────────────────────────────────────────────────

  /** Grants what the window allows, when it is worth a frame: half a window or more. */
  #grant(stream: StreamState<Owner>): void {
    if (stream.window - stream.unread - stream.credit < stream.window / 2) return
    this.#grow(stream)
    const grant = stream.window - stream.unread - stream.credit
    stream.credit += grant
    stream.grantedAt = this.#now
    this.#control.push(FRAME.windowUpdate, stream.pendingFlags, stream.id, grant)
    stream.pendingFlags = 0
    this.#events.output()
  }

  /** Doubles a window that was used up within four round trips: it is what limits the peer. */
  #grow(stream: StreamState<Owner>): void {
    if (this.#now - this.#rttAt > 30_000 && this.#pingSentAt === undefined) this.#ping()
    if (this.#rtt === undefined || stream.grantedAt < 0) return
    if (this.#now - stream.grantedAt > 4 * this.#rtt) return
    if (this.#held * 4 > this.#limits.maxConnectionBuffer * 3) return
    if (this.#budget.held * 4 > this.#budget.limit * 3) return
    if (this.#account?.tight === true || stream.account?.tight === true) return
    stream.window = Math.min(stream.window * 2, this.#limits.maxStreamWindowSize)
  }

  #hold(stream: StreamState<Owner>, bytes: number): void {
    this.#held += bytes
    this.#budget.held += bytes
    this.#account?.hold(bytes)
    stream.account?.hold(bytes)
  }

  /** At the limit of what may be held unread, the stream that holds most pays. */
  #resetLargest(): void {
    let largest: StreamState<Owner> | undefined
    for (const stream of this.streams.values()) {
      if (largest === undefined || stream.unread > largest.unread) largest = stream
    }
    if (largest === undefined) return
    this.#resetOverLimit(largest, this.#account?.over === true ? this.#account : undefined)
  }

  #resetOverLimit(stream: StreamState<Owner>, account: ByteAccount | undefined): void {
    if (stream.dead || stream.unread === 0) return
    const held = stream.unread
    account?.refused()
    this.reset(stream, RESET.resourceLimit)
    this.#events.reset(
      stream,
      RESET.resourceLimit,
      new YamuxResourceLimitError(
        `the stream held ${held} unread bytes when a limit was reached: of its protocol, connection or peer, or of the process`
      )
    )
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────

  #ping(): void {
    this.#pingId = (this.#pingId + 1) >>> 0
    this.#pingSentAt = this.#now
    this.#control.push(FRAME.ping, FLAG.syn, 0, this.#pingId)
    this.#events.output()
  }

  #finishIfDone(stream: StreamState<Owner>): void {
    if (stream.localEnd === 'sent' && stream.remoteEnded) this.#forget(stream)
  }

  /** Ends a stream at once and lets go of everything it holds. */
  #drop(stream: StreamState<Owner>): void {
    stream.dead = true
    stream.queue = NOTHING
    stream.queueHead = 0
    stream.queuedBytes = 0
    this.#forget(stream)
  }

  /** What is still unread belongs to the reader's object from now on, and no more to the budgets. */
  #forget(stream: StreamState<Owner>): void {
    if (!this.streams.delete(stream.id)) return
    this.#hold(stream, -stream.unread)
    stream.unread = 0
    stream.accounted = false
    this.#expectStale(STALE_PER_STREAM, stream.remoteEnded ? 0 : stream.credit)
    if (stream.direction === 'inbound') this.#inbound--
    if (!stream.acknowledged) {
      stream.acknowledged = true
      this.#unacknowledged--
      this.#events.acknowledged(stream)
    }
  }

  /** The connection is gone: every stream is dropped, without a word to the peer. */
  close(): StreamState<Owner>[] {
    this.#ended = true
    const left = [...this.streams.values()]
    for (const stream of left) this.#drop(stream)
    // The connection may take a while to close: it holds no stream meanwhile.
    this.#scheduler.clear()
    this.#bodyOf = undefined
    return left
  }

  #fail(error: unknown): void {
    const code = error instanceof YamuxProtocolError ? GO_AWAY.protocolError : GO_AWAY.resourceLimit
    this.#control.take()
    if (!(error instanceof YamuxGoAwayError)) this.#control.push(FRAME.goAway, 0, 0, code)
    this.#ended = true
    this.#events.output()
  }
}
