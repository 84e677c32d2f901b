import { RESET } from './codes.ts'
import {
  SessionLostError,
  SessionProtocolError,
  SessionResetError,
  SessionRevokedError
} from './errors.ts'
import { EventSet, type SessionEvent } from './event-set.ts'
import { FrameDecoder, type FrameSink, encodeDone, encodeReset } from './frames.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { ReceiveHalf } from './receive-half.ts'
import { SendHalf, type WindowOptions } from './send-half.ts'
import { type Ending, type Life, type LifeEvent, TRANSITIONS } from './session-life.ts'
import type { SessionStats } from './session-types.ts'

/** What a {@link SessionCore} needs to know at its start. Times in milliseconds. */
export interface SessionCoreInit {
  /** Epoch of the stream that carried `open`. */
  readonly epoch: number
  /** How far the peer lets us send at first. */
  readonly limit: number
  readonly window: WindowOptions
  readonly resumeTimeout: number
  readonly closeTimeout: number
  readonly ackDelay: number
  readonly budget: MemoryBudget
}

/** What each side says of itself when a stream is attached. */
export interface Position {
  /** Contiguous bytes that it holds of the other's. */
  readonly received: number
  /** Bytes that it ever sent. */
  readonly sent: number
}

/** Bytes of one batch of output, about. */
const BATCH = 262_144

/** Deadlines, in milliseconds of the caller's clock; see {@link SessionCore.nextTimeout}. */
interface Deadlines {
  /** When a confirmation that waits for more leaves. */
  ack: number | undefined
  /** When `close` gives up, unless something moves. */
  close: number | undefined
}

/**
 * One end of a session, without streams, keys, clock or randomness: bytes, frames and time.
 *
 * Call order. The shell
 * 1. gives it what happens, with the time `now` (monotonic milliseconds): {@link attach} (a stream
 *    was agreed on), {@link receive} (bytes of that stream), {@link detach} (it ended),
 *    {@link lose} (the peer does not know the session), {@link onTimeout};
 * 2. or what the application wants: {@link write}, {@link read}, {@link end}, {@link sync},
 *    {@link close}, {@link abort};
 * 3. and after each of these drains, in this order, {@link pollOutput} while the stream takes more,
 *    {@link pollEvent} until it returns `undefined`, and then asks {@link nextTimeout}.
 *
 * Bytes count as the peer's (confirmed) only once its application has taken them; until then they
 * are kept, and sent again on the next stream from where the peer's contiguous bytes end. Bytes of
 * a stream with an older epoch than the last one attached are dropped: that stream is fenced.
 *
 * Nothing that a peer sends makes a method throw: what breaks the protocol ends this session.
 */
export class SessionCore {
  readonly #init: SessionCoreInit
  readonly #send: SendHalf
  readonly #receive: ReceiveHalf
  #decoder: FrameDecoder
  #life: Life = { at: 'attached' }
  #epoch: number
  #resumes = 0
  #now: number
  #closing = false
  #ending: Ending
  /** The last words, sent before all else once the session is over for the application. */
  #last: Uint8Array[] = []
  readonly #events = new EventSet()
  #blocked = false
  #ackExpired = false
  #touched = false
  readonly #deadlines: Deadlines = { ack: undefined, close: undefined }

  /** A session begins attached, by the stream that carried its `open`. */
  constructor(init: SessionCoreInit, now: number) {
    this.#init = init
    this.#now = now
    this.#epoch = init.epoch
    this.#send = new SendHalf(init.window, init.limit, init.budget)
    this.#receive = new ReceiveHalf(init.window, init.budget)
    this.#decoder = this.#newDecoder()
  }

  // --- Getters ---

  get life(): Life['at'] {
    return this.#life.at
  }

  /** Epoch of the stream attached last. */
  get epoch(): number {
    return this.#epoch
  }

  get isAttached(): boolean {
    return this.#life.at === 'attached' || (this.#life.at === 'lingering' && this.#life.attached)
  }

  /** `false` until the peer has sent anything: so it may not know that the session is open. */
  get isTouched(): boolean {
    return this.#touched
  }

  /** How it ended for the application; `undefined` while it has not. */
  get ending(): Ending {
    return this.#ending
  }

  get isClosing(): boolean {
    return this.#closing
  }

  /** This side has ended its direction: {@link end} or {@link close}. */
  get isEnded(): boolean {
    return this.#send.ended
  }

  /** No more can be written. */
  get isWriteEnded(): boolean {
    return this.#send.ended || this.#ending !== undefined
  }

  /** The peer has ended its direction, and everything has been read. */
  get isReadEnded(): boolean {
    return this.#ending === undefined ? this.#receive.endTaken : this.#ending.readEnded
  }

  get unread(): number {
    return this.#receive.unread
  }

  /** What {@link read} gives next at most; not taken. */
  get ahead(): Uint8Array | undefined {
    return this.#receive.ahead
  }

  /** Offset behind the last byte written, and of what the peer has confirmed. */
  get written(): number {
    return this.#send.written
  }

  get confirmed(): number {
    return this.#send.acked
  }

  /** What was written before `offset` is inside the window. */
  isInside(offset: number): boolean {
    return this.#send.isInside(offset)
  }

  get stats(): SessionStats {
    return {
      epoch: this.#epoch,
      sentBytes: this.#send.sentMax,
      receivedBytes: this.#receive.received,
      unackedBytes: this.#send.unconfirmed,
      unreadBytes: this.#receive.unread,
      sendWindow: this.#send.window,
      receiveWindow: this.#receive.window,
      resumes: this.#resumes,
      replayedBytes: this.#send.replayed
    }
  }

  /** What to tell the peer when a stream is to be attached. */
  get position(): Position {
    return { received: this.#receive.received, sent: this.#send.sentMax }
  }

  // --- Input ---

  /**
   * A stream of a higher epoch carries the session from now on; `peer` is what the other side said
   * of itself, `toldReceived` what we said that we hold. The stream before it is fenced.
   *
   * @returns `false` when nothing changed because the epoch, or what the peer said, is older than
   * what has happened since; or when what the peer said cannot be: then the session has ended.
   */
  attach(
    epoch: number,
    peer: Position,
    now: number,
    toldReceived: number = this.#receive.received
  ): boolean {
    if (this.#life.at === 'gone' || epoch <= this.#epoch) return false
    this.#now = now
    try {
      // After our own reset offsets no longer matter; after a clean end they still must fit.
      if (!this.#isDeaf) {
        if (!this.#send.canAttach(peer.received) || peer.sent < this.#receive.received) return false
        this.#send.attach(peer.received)
        this.#receive.attach(toldReceived)
      }
    } catch (error) {
      this.#leave('fault', error as Error)
      return false
    }
    this.#epoch = epoch
    this.#resumes++
    this.#decoder.stop()
    this.#decoder = this.#newDecoder()
    if (this.#life.at === 'lingering') {
      this.#life = { ...this.#life, attached: true }
      this.#last = this.#lastWords(this.#life.last)
      return true
    }
    this.#move('attach')
    this.#life = { at: 'attached' }
    if (this.#closing) this.#deadlines.close = now + this.#init.closeTimeout
    this.#events.add('resumed')
    return true
  }

  /** Bytes of the stream that was attached with `epoch`; in chunks of any size. */
  receive(epoch: number, chunk: Uint8Array, now: number): void {
    if (epoch !== this.#epoch || !this.isAttached || chunk.length === 0) return
    this.#now = now
    this.#touched = true
    try {
      this.#decoder.push(chunk)
    } catch (error) {
      this.#decoder.stop()
      const reason =
        error instanceof SessionProtocolError
          ? error
          : new SessionProtocolError('the peer sent what cannot be handled', { cause: error })
      this.#leave('fault', reason, [encodeReset(RESET.protocol, reason.message)])
    }
  }

  /** The stream that was attached with `epoch` has ended without a last word. */
  detach(epoch: number, now: number): void {
    if (epoch !== this.#epoch || !this.isAttached) return
    this.#now = now
    this.#move('detach')
    this.#decoder.stop()
    const until = now + this.#init.resumeTimeout
    if (this.#life.at === 'lingering') {
      this.#life = { ...this.#life, attached: false, until }
      this.#last = []
    } else {
      this.#life = { at: 'detached', until }
      this.#deadlines.ack = undefined
      this.#deadlines.close = undefined
    }
    this.#events.add('detached')
  }

  /** The peer says that it does not know this session. */
  lose(reason: string, now: number): void {
    if (this.#life.at === 'gone') return
    this.#now = now
    this.#leave('lose', new SessionLostError(reason, this.#send.unconfirmed))
  }

  /** The peer no longer lets this side in. */
  revoke(reason: string, now: number): void {
    if (this.#life.at === 'gone') return
    this.#now = now
    this.#leave('lose', new SessionRevokedError(reason))
  }

  /** A deadline may have passed. */
  onTimeout(now: number): void {
    this.#now = now
    const life = this.#life
    if (life.at === 'detached' && now >= life.until) {
      const unconfirmed = this.#send.unconfirmed
      this.lose(
        `the session's link did not come back within ${this.#init.resumeTimeout} ms; ` +
          `${unconfirmed} bytes are unconfirmed. Open a new session`,
        now
      )
    } else if (life.at === 'lingering' && now >= life.until) {
      this.#leave('lose', undefined)
    }
    if (isDue(this.#deadlines.ack, now)) {
      this.#deadlines.ack = undefined
      this.#ackExpired = true
    }
    if (isDue(this.#deadlines.close, now)) this.#giveUpClosing()
  }

  // --- Commands of the application ---

  /**
   * Takes `chunk`, always and by reference; nothing once the session has ended.
   *
   * @returns `false` when the window is full: wait for `writable`
   */
  write(chunk: Uint8Array): boolean {
    if (this.isWriteEnded) return false
    this.#send.write(chunk)
    this.#blocked = this.#send.room === 0
    return !this.#blocked
  }

  /** There is room in the window. Otherwise `writable` will tell. */
  get hasRoom(): boolean {
    this.#blocked = this.#send.room === 0
    return !this.#blocked
  }

  /** The next bytes, at most `max`; they count as taken. */
  read(max: number, now: number): Uint8Array | undefined {
    const chunk = this.#receive.read(max)
    if (chunk === undefined) return undefined
    this.#now = now
    this.#progress()
    this.#scheduleAck()
    this.#checkFinished()
    return chunk
  }

  /** Ends the outgoing direction behind what was written. */
  end(now: number): void {
    if (this.isWriteEnded) return
    this.#now = now
    this.#send.end()
  }

  /** Asks the peer to confirm everything written so far as soon as its application has taken it. */
  sync(): void {
    this.#send.sync()
  }

  /**
   * Ends the outgoing direction, and the session once the peer has ended too and everything was
   * read. Gives up when nothing moves for `closeTimeout`; while it is detached `resumeTimeout`
   * holds instead.
   */
  close(now: number): void {
    if (this.#ending !== undefined || this.#closing) return
    this.end(now)
    this.#closing = true
    if (this.#life.at === 'attached') this.#deadlines.close = now + this.#init.closeTimeout
  }

  /** Ends the session at once, with a reset for the peer; the application gets `error`. */
  abort(code: number, reason: string, error: Error | undefined, now: number): void {
    if (this.#ending !== undefined) return
    this.#now = now
    // What was taken is confirmed before: the peer knows exactly what was not.
    this.#resetWords = [this.#receive.takeAck(), encodeReset(code, reason)]
    this.#linger('abort', 'reset', error)
  }

  // --- Output ---

  /** How many bytes the attached stream may hold unconfirmed; for a connection that will be cut. */
  limitInFlight(bytes: number): void {
    this.#send.inFlight = bytes
  }

  /** `true` while {@link pollOutput} has something. */
  get hasOutput(): boolean {
    if (this.#last.length > 0) return true
    return this.#life.at === 'attached' && (this.#isAckDue || this.#send.hasOutput)
  }

  /**
   * The next batch of bytes for the attached stream, as chunks to be sent in order without a pause
   * between them, or `undefined` when there are none. Payload is referred to, not copied.
   */
  pollOutput(): Uint8Array[] | undefined {
    if (this.#last.length > 0) {
      const last = this.#last
      this.#last = []
      return last
    }
    if (this.#life.at !== 'attached' || !this.hasOutput) return undefined
    const out: Uint8Array[] = []
    if (this.#isAckDue || this.#receive.isAckWorthwhile) {
      out.push(this.#receive.takeAck())
      this.#ackExpired = false
      this.#deadlines.ack = undefined
    }
    this.#send.poll(out, BATCH)
    return out.length === 0 ? undefined : out
  }

  /** The next thing that has happened, each at most once however often it has. */
  pollEvent(): SessionEvent | undefined {
    return this.#events.take()
  }

  /** When {@link onTimeout} must be called at the latest; `undefined`: no need. */
  nextTimeout(): number | undefined {
    const life = this.#life
    const until = life.at === 'detached' || life.at === 'lingering' ? life.until : undefined
    return earliest(earliest(until, this.#deadlines.ack), this.#deadlines.close)
  }

  // --- Frames of the peer ---

  #newDecoder(): FrameDecoder {
    const sink: FrameSink = {
      onData: (offset, length, limited) => {
        if (this.#isDeaf) return
        this.#receive.onData(offset, length, limited)
      },
      onPayload: part => {
        if (this.#isDeaf) return
        if (!this.#receive.onPayload(part)) return
        this.#progress()
        this.#events.add('readable')
      },
      onAck: (taken, limit) => {
        if (!this.#isDeaf) this.#onAck(taken, limit)
      },
      onSync: offset => {
        if (!this.#isDeaf) this.#receive.onSync(offset)
      },
      onEnd: offset => {
        if (this.#isDeaf) return
        this.#receive.onEnd(offset)
        this.#events.add('readable')
        this.#checkFinished()
      },
      onReset: (code, reason) => this.#onReset(code, reason),
      onDone: () => {
        if (TRANSITIONS[this.#life.at]['peer-done'] === undefined) {
          throw new SessionProtocolError('the peer is done before both ends were confirmed')
        }
        this.#leave('peer-done', undefined, this.#last)
      }
    }
    return new FrameDecoder(sink)
  }

  /** After our own reset, what the peer sent before it heard of it no longer matters. */
  get #isDeaf(): boolean {
    return this.#life.at === 'lingering' && this.#life.last === 'reset'
  }

  #onAck(taken: number, limit: number): void {
    const send = this.#send
    const { acked, endAcked, limit: oldLimit } = send
    send.onAck(taken, limit)
    if (send.acked > acked || send.limit > oldLimit) this.#events.add('confirmed')
    else if (send.endAcked === endAcked) this.#receive.countIdleFrame()
    this.#progress()
    if (this.#blocked && send.room > 0) {
      this.#blocked = false
      this.#events.add('writable')
    }
    this.#checkFinished()
  }

  #onReset(code: number, reason: string): void {
    const error =
      code === RESET.revoked
        ? new SessionRevokedError(`the peer took the access back: ${reason}`)
        : new SessionResetError(
            `the peer ended the session with code ${code}${reason === '' ? '' : `: ${reason}`}`,
            code,
            reason
          )
    this.#leave('peer-reset', error, [encodeDone()])
  }

  // --- Endings ---

  #resetWords: readonly Uint8Array[] = []

  /** Something moved: `close` goes on waiting. */
  #progress(): void {
    if (this.#deadlines.close !== undefined) {
      this.#deadlines.close = this.#now + this.#init.closeTimeout
    }
  }

  #giveUpClosing(): void {
    this.#deadlines.close = undefined
    const unconfirmed = this.#send.unconfirmed
    if (this.#send.endAcked) {
      // All of ours is delivered; what the peer still has to say nobody here wants to hear.
      this.abort(RESET.cancelled, 'the session was closed', undefined, this.#now)
      return
    }
    const message =
      `the peer took nothing for ${this.#init.closeTimeout} ms while the session was closing; ` +
      `${unconfirmed} bytes are unconfirmed`
    const error = new SessionLostError(message, unconfirmed)
    this.abort(RESET.timeout, 'the session could not be closed in time', error, this.#now)
  }

  #checkFinished(): void {
    if (this.#ending !== undefined || !this.#send.endAcked || !this.#receive.endTaken) return
    this.#linger('finish', 'done', undefined)
  }

  #linger(event: 'finish' | 'abort', last: 'done' | 'reset', error: Error | undefined): void {
    const attached = this.isAttached
    this.#move(event)
    this.#life = {
      at: 'lingering',
      last,
      attached,
      until: this.#now + this.#init.resumeTimeout
    }
    this.#last = attached ? this.#lastWords(last) : []
    this.#finish(error)
  }

  #lastWords(last: 'done' | 'reset'): Uint8Array[] {
    if (last === 'reset') return [...this.#resetWords]
    return [this.#receive.takeAck(), encodeDone()]
  }

  /** To the state that `event` leads to, which is `gone`. */
  #leave(event: LifeEvent, error: Error | undefined, last: Uint8Array[] = []): void {
    const wasAttached = this.isAttached
    this.#move(event)
    this.#life = { at: 'gone' }
    this.#decoder.stop()
    this.#last = wasAttached ? last : []
    this.#finish(error)
    this.#events.add('gone')
  }

  /** It is over for the application; what was held for it is given back. */
  #finish(error: Error | undefined): void {
    this.#deadlines.ack = undefined
    this.#deadlines.close = undefined
    if (this.#ending !== undefined) return
    this.#ending = { error, readEnded: this.#receive.endTaken }
    this.#send.release()
    this.#receive.release()
    this.#events.add('ended')
  }

  #move(event: LifeEvent): void {
    if (TRANSITIONS[this.#life.at][event] === undefined) {
      throw new SessionProtocolError(`a session that is ${this.#life.at} does not ${event}`)
    }
  }

  get #isAckDue(): boolean {
    const due = this.#receive.ackDue
    return due === 'now' || (due === 'soon' && this.#ackExpired)
  }

  #scheduleAck(): void {
    if (this.#life.at !== 'attached' || this.#deadlines.ack !== undefined) return
    if (this.#receive.ackDue === 'soon' && !this.#ackExpired) {
      this.#deadlines.ack = this.#now + this.#init.ackDelay
    }
  }
}

function isDue(deadline: number | undefined, now: number): boolean {
  return deadline !== undefined && now >= deadline
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.min(a, b)
}
