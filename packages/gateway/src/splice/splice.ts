import type { Socket } from 'node:net'
import type { ByteSession } from '@warren/tunnel'
import { counterweigh } from '@warren/utils'
import { ConnectionResetError, IdleTimeoutError } from '../errors.ts'
import { toReset } from './reset-codes.ts'
import { resetSocket } from './reset-socket.ts'

/**
 * Bytes taken from a session and given to the socket in one go. With what the socket itself may
 * hold (its high-water mark) this bounds what a forwarded connection keeps in memory for a program
 * that does not read; everything beyond stays in the session's window, at the sender.
 */
const WRITE_BATCH_BYTES = 128 * 1024

/** What libuv reads at most in one go: after so much there is usually more. */
const FULL_READ_BYTES = 64 * 1024

/** Full reads are gathered up to so many bytes, so that they leave for the peer in one write. */
const READ_BATCH_BYTES = 256 * 1024

/** Bytes carried; a splice adds to them as they pass. */
export interface ByteCounters {
  toSession: number
  fromSession: number
}

/** How a splice treats its two ends. */
export interface SpliceOptions {
  /** Bytes that were read from the socket before the splice began; they go first. */
  readonly head?: readonly Uint8Array[]
  /** Ends the splice when nothing was carried for so many milliseconds; 0 for never. */
  readonly idleTimeout?: number
  /** Counters to add to. */
  readonly counters?: ByteCounters
  /** Leave the socket open for the next user if it is clean when the session ends. */
  readonly reuse?: ReuseOptions
}

/**
 * When a socket is handed back instead of closed: the session has ended its direction, everything
 * was written, the socket spoke last, nothing of it is unread, and it is silent for `after`.
 */
export interface ReuseOptions {
  /** Milliseconds of silence, after which the answer counts as complete. */
  readonly after: number
  /** Takes the socket, paused and without listeners of the splice. Not called if it is not clean. */
  readonly release: () => void
}

/** Why a splice ended. */
export type SpliceEnd =
  | { readonly why: 'ended'; readonly released: boolean }
  | { readonly why: 'socket'; readonly error: Error }
  | { readonly why: 'session'; readonly error: Error }
  | { readonly why: 'aborted'; readonly error: Error }

type Direction = 'open' | 'blocked' | 'ended'

/**
 * Carries bytes between a socket and a session, both ways, until both directions have ended.
 *
 * Half-close goes through both ways, a full session stops the reading of the socket, a full socket
 * stops the taking from the session, and a reset of one is a reset of the other.
 *
 * Reading: plain `data` events. Node gives each a fresh buffer that is ours, so that it goes into
 * the session without a copy. `onread` with one shared buffer needs a copy for the session (which
 * keeps the bytes until they are acknowledged), exists for outbound sockets only, and measured the
 * same within noise (Node 24: 3.3–5.0 against 4.3–5.6 GB/s, 64-byte round trips 54 against 57 µs).
 * Nothing is allocated for a connection that is idle.
 */
export class Splice {
  /** Resolves, and never rejects, when socket and session have both ended or parted. */
  readonly done: Promise<SpliceEnd>
  readonly #socket: Socket
  readonly #session: ByteSession
  readonly #counters: ByteCounters
  readonly #reuse: ReuseOptions | undefined
  #up: Direction = 'open'
  #down: Direction = 'open'
  #pumping = false
  /** Bytes from the socket; the counters may be shared by many splices. */
  #carried = 0
  #sessionClosed = false
  #socketError: Error | undefined
  #spokeLast: 'socket' | 'session' = 'socket'
  /** Full reads of this turn of the event loop, which go to the session together. */
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  /** Bytes that the session took since it was full: no more than that are gathered. */
  #flowing = 0
  #settle: NodeJS.Timeout | undefined
  /** Set once, by whatever ends the splice. */
  #end: SpliceEnd | undefined
  #resolve: (end: SpliceEnd) => void = () => {}

  /** Starts at once. The socket is paused or fresh, and nobody else reads it or the session. */
  constructor(socket: Socket, session: ByteSession, options: SpliceOptions = {}) {
    this.#socket = socket
    this.#session = session
    this.#counters = options.counters ?? { toSession: 0, fromSession: 0 }
    this.#reuse = options.reuse
    this.done = new Promise(resolve => {
      this.#resolve = resolve
    })
    socket.on('data', this.#onData)
    socket.on('end', this.#onSocketEnd)
    socket.on('drain', this.#onSocketDrain)
    socket.on('error', this.#onSocketError)
    socket.on('close', this.#onSocketClose)
    if (options.idleTimeout !== undefined && options.idleTimeout > 0) {
      socket.setTimeout(options.idleTimeout)
      socket.on('timeout', this.#onIdle)
    }
    session.onReadable = this.#pump
    session.onDrain = this.#onSessionDrain
    void session.closed.then(this.#onSessionClosed)
    if (socket.destroyed) {
      this.#onSocketClose(true)
      return
    }
    for (const chunk of options.head ?? []) this.#onData(chunk)
    // An end that came while the socket waited paused has already been announced, to nobody.
    if (socket.readableEnded) this.#onSocketEnd()
    else if (this.#up === 'open') socket.resume()
    this.#pump()
  }

  /** Ends both at once: the session with a reset that carries `error`, the socket with a RST. */
  abort(error: Error): void {
    this.#fail({ why: 'aborted', error })
  }

  readonly #onIdle = (): void => {
    const ms = this.#socket.timeout
    this.abort(new IdleTimeoutError(`the connection carried nothing for ${ms} ms (idleTimeout)`))
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#end !== undefined) return
    this.#counters.toSession += chunk.length
    this.#carried += chunk.length
    this.#spokeLast = 'socket'
    // The session keeps it until the peer's program has it; then it is for the collector.
    counterweigh(chunk.length)
    if (this.#settle !== undefined) this.#settle.refresh()
    const gathered = this.#gatheredBytes + chunk.length
    const isRoom = gathered < READ_BATCH_BYTES && gathered <= this.#flowing
    if (chunk.length >= FULL_READ_BYTES && isRoom) {
      if (this.#gathered.length === 0) setImmediate(this.#writeGathered)
      this.#gathered.push(chunk)
      this.#gatheredBytes = gathered
      return
    }
    this.#writeGathered()
    this.#write(chunk)
  }

  readonly #writeGathered = (): void => {
    if (this.#gathered.length === 0) return
    const chunks = this.#gathered
    this.#gathered = []
    this.#gatheredBytes = 0
    for (const chunk of chunks) this.#write(chunk)
  }

  #write(chunk: Uint8Array): void {
    if (this.#end !== undefined || this.#up === 'ended') return
    let more: boolean
    try {
      more = this.#session.write(chunk)
    } catch (error) {
      return this.#fail({ why: 'session', error: error as Error })
    }
    this.#flowing = more ? this.#flowing + chunk.length : 0
    if (more || this.#up !== 'open') return
    this.#up = 'blocked'
    this.#socket.pause()
  }

  readonly #onSessionDrain = (): void => {
    if (this.#up !== 'blocked' || this.#end !== undefined) return
    this.#up = 'open'
    this.#socket.resume()
  }

  readonly #onSocketEnd = (): void => {
    if (this.#up === 'ended' || this.#end !== undefined) return
    this.#writeGathered()
    // Writing can fail, and that ends both.
    if (this.#end !== undefined) return
    this.#up = 'ended'
    this.#session.closeWrite()
    if (this.#settle !== undefined) this.#endSocket()
    this.#bothEnded()
  }

  readonly #onSocketDrain = (): void => {
    if (this.#down !== 'blocked') return
    this.#down = 'open'
    this.#pump()
  }

  readonly #pump = (): void => {
    // Taking bytes can make the other end of a session in this process write at once, and so call
    // back here in the middle of the loop; the loop sees those bytes itself.
    if (this.#pumping || this.#down !== 'open' || this.#end !== undefined) return
    this.#pumping = true
    try {
      while (this.#carryBatch()) if (this.#end !== undefined) return
    } finally {
      this.#pumping = false
    }
    if (this.#socket.writableNeedDrain) this.#down = 'blocked'
    else if (this.#session.readEnded || this.#sessionClosed) this.#sessionEnded()
  }

  /**
   * Takes one batch; its chunks leave in one `writev`.
   *
   * @returns `true` when there may be more and the socket takes it
   */
  #carryBatch(): boolean {
    const session = this.#session
    const socket = this.#socket
    let chunk = session.read(WRITE_BATCH_BYTES)
    if (chunk === undefined) return false
    this.#spokeLast = 'session'
    let bytes = 0
    let corked = false
    while (chunk !== undefined) {
      bytes += chunk.length
      const next: Uint8Array | undefined =
        bytes < WRITE_BATCH_BYTES ? session.read(WRITE_BATCH_BYTES - bytes) : undefined
      if (next !== undefined && !corked) {
        corked = true
        socket.cork()
      }
      socket.write(chunk)
      chunk = next
    }
    if (corked) socket.uncork()
    this.#counters.fromSession += bytes
    return !socket.writableNeedDrain
  }

  /** The session has nothing more for the socket. */
  #sessionEnded(): void {
    if (this.#down === 'ended') return
    this.#down = 'ended'
    // If the session spoke last, a request is under way and the program may wait for the end of
    // it: it gets the end, and the connection is not used again.
    const answered = this.#up !== 'ended' && this.#spokeLast === 'socket'
    if (this.#reuse !== undefined && answered) {
      this.#settle = setTimeout(this.#onSettled, this.#reuse.after)
      return
    }
    this.#endSocket()
  }

  #endSocket(): void {
    clearTimeout(this.#settle)
    this.#settle = undefined
    if (this.#sessionClosed) this.#socket.destroySoon()
    else this.#socket.end()
    this.#bothEnded()
  }

  readonly #onSettled = (): void => {
    // The timer may be late and bytes may wait in the kernel: look only after a whole poll of the
    // event loop, which two immediates have between them.
    const carried = this.#carried
    setImmediate(() => setImmediate(() => this.#releaseSocket(carried)))
  }

  /** `carried`: bytes that had come from the socket when the silence was noticed. */
  #releaseSocket(carried: number): void {
    if (this.#end !== undefined || this.#settle === undefined) return
    const socket = this.#socket
    const silent = this.#up === 'open' && this.#carried === carried && this.#gathered.length === 0
    const clean = silent && socket.readableLength === 0 && socket.writableLength === 0
    // What is blocked, unwritten or new is still being carried: look again later.
    if (!clean) return void this.#settle.refresh()
    this.#up = 'ended'
    this.#end = { why: 'ended', released: true }
    this.#detach()
    socket.pause()
    socket.off('error', this.#onSocketError)
    this.#reuse?.release()
    this.#session.closeWrite()
    this.#closeSession()
    this.#settleDone()
  }

  readonly #onSocketError = (error: Error): void => {
    this.#socketError = error
  }

  readonly #onSocketClose = (hadError: boolean): void => {
    if (this.#end !== undefined) return
    const ended = !hadError && this.#up === 'ended' && this.#down === 'ended'
    if (ended && this.#socket.writableFinished) {
      this.#end = { why: 'ended', released: false }
      this.#detach()
      this.#settleDone()
      return
    }
    const cause = this.#socketError
    const what = cause === undefined ? 'it was closed in the middle' : cause.message
    const error = new ConnectionResetError(`the forwarded connection failed: ${what}`, { cause })
    this.#fail({ why: 'socket', error })
  }

  readonly #onSessionClosed = (error: Error | undefined): void => {
    this.#sessionClosed = true
    if (this.#end !== undefined) return this.#settleDone()
    if (error !== undefined) return this.#fail({ why: 'session', error })
    if (this.#up !== 'ended') {
      // The other end closed both directions: what the socket still says is read and dropped, so
      // that what was sent to it is not lost to a RST for unread bytes.
      this.#up = 'ended'
      this.#socket.off('data', this.#onData)
      this.#socket.resume()
    }
    this.#pump()
  }

  /** Once both directions have ended, what is left is flushing. */
  #bothEnded(): void {
    if (this.#up === 'ended' && this.#down === 'ended') this.#closeSession()
  }

  #closeSession(): void {
    // Its outcome is `closed`, which is watched already.
    this.#session.close().catch(() => {})
  }

  #fail(end: SpliceEnd & { readonly error: Error }): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#detach()
    this.#session.abort(toReset(end.error))
    resetSocket(this.#socket)
    this.#settleDone()
  }

  /** A clean end is complete when the session has delivered everything; a failure at once. */
  #settleDone(): void {
    const end = this.#end
    if (end !== undefined && (end.why !== 'ended' || this.#sessionClosed)) this.#resolve(end)
  }

  /**
   * Lets go of both. The `error` listener stays: a socket without one turns a late error into an
   * uncaught exception.
   */
  #detach(): void {
    const socket = this.#socket
    clearTimeout(this.#settle)
    this.#settle = undefined
    socket.off('data', this.#onData)
    socket.off('end', this.#onSocketEnd)
    socket.off('drain', this.#onSocketDrain)
    socket.off('close', this.#onSocketClose)
    socket.off('timeout', this.#onIdle)
    socket.setTimeout(0)
    this.#session.onReadable = undefined
    this.#session.onDrain = undefined
  }
}
