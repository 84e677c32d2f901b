import type { ByteSession, DialOptions, Listener, SessionStats } from '@warren/tunnel'
import { ListenerClosedError, SessionResetError } from '@warren/tunnel'
import { waitFor } from '@warren/utils'
import type { GatewayTunnel } from '../src/types.ts'

let ids = 0

/**
 * One end of an in-memory session that keeps the contract of `ByteSession`: bytes are the sender's
 * until the other end has taken them, at most a window of them is in flight before `write` says
 * `false`, the two directions end separately, and a reset ends both ends.
 */
export class MemorySession implements ByteSession {
  readonly id: string
  readonly channel: string
  readonly peer: string
  readonly mode = 'unicast'
  readonly link = 'memory'
  readonly closed: Promise<Error | undefined>
  onReadable: (() => void) | undefined
  onDrain: (() => void) | undefined
  /** The most that was ever in flight towards the other end. */
  mostUnacked = 0
  readonly #window: number
  #other!: MemorySession
  #inbox: Uint8Array[] = []
  #unread = 0
  #unacked = 0
  #sent = 0
  #received = 0
  #full = false
  #writeEnded = false
  #endArrived = false
  #discarding = false
  #done = false
  #scheduled = false
  #drainWaiters: (() => void)[] = []
  #resolve: (error: Error | undefined) => void = () => {}

  constructor(channel: string, peer: string, window: number, id: string) {
    this.id = id
    this.channel = channel
    this.peer = peer
    this.#window = window
    this.closed = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  static pair(window = 64 * 1024, channel = 'test'): [MemorySession, MemorySession] {
    const id = (ids++).toString(16).padStart(32, '0')
    const a = new MemorySession(channel, 'peer-b', window, id)
    const b = new MemorySession(channel, 'peer-a', window, id)
    a.#other = b
    b.#other = a
    return [a, b]
  }

  get status(): 'open' | 'closing' | 'closed' {
    return this.#done ? 'closed' : this.#writeEnded ? 'closing' : 'open'
  }

  get readEnded(): boolean {
    return this.#endArrived && this.#unread === 0
  }

  write(chunk: Uint8Array): boolean {
    if (this.#done || this.#writeEnded) throw new Error('write after the end of the session')
    if (chunk.length === 0) return !this.#full
    this.#unacked += chunk.length
    this.#sent += chunk.length
    this.mostUnacked = Math.max(this.mostUnacked, this.#unacked)
    this.#other.#arrive(chunk)
    if (this.#unacked >= this.#window) this.#full = true
    return !this.#full
  }

  async drained(): Promise<void> {
    if (!this.#full || this.#done) return
    await new Promise<void>(resolve => this.#drainWaiters.push(resolve))
  }

  closeWrite(): void {
    if (this.#writeEnded || this.#done) return
    this.#writeEnded = true
    this.#other.#endArrived = true
    this.#other.#wake()
    this.#checkDone()
  }

  read(max = Number.MAX_SAFE_INTEGER): Uint8Array | undefined {
    const first = this.#inbox[0]
    if (first === undefined) return undefined
    const taken = first.length <= max ? first : first.subarray(0, max)
    if (taken === first) this.#inbox.shift()
    else this.#inbox[0] = first.subarray(max)
    this.#take(taken.length)
    return taken
  }

  async close(): Promise<void> {
    if (!this.#done) {
      this.closeWrite()
      this.#discarding = true
      this.#inbox = []
      this.#take(this.#unread)
      this.#other.#wake()
      this.#checkDone()
    }
    await this.closed
  }

  abort(error: Error = new Error('aborted')): void {
    if (this.#done) return
    const isReset = error instanceof SessionResetError
    const code = isReset ? error.resetCode : 1
    const reason = isReset ? error.reason : error.message
    this.#finish(error)
    queueMicrotask(() => {
      this.#other.#finish(
        new SessionResetError(`the peer reset the session: ${reason}`, code, reason)
      )
    })
  }

  stats(): SessionStats {
    return {
      epoch: 0,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      unackedBytes: this.#unacked,
      unreadBytes: this.#unread,
      sendWindow: this.#window,
      receiveWindow: this.#window,
      resumes: 0,
      replayedBytes: 0
    }
  }

  on(): () => void {
    return () => {}
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const chunk = this.read()
      if (chunk !== undefined) yield chunk
      else if (this.readEnded) return
      else if (this.#done) throw (await this.closed) ?? new Error('closed')
      else {
        await new Promise<void>(resolve => {
          this.onReadable = resolve
        })
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #arrive(chunk: Uint8Array): void {
    this.#received += chunk.length
    this.#unread += chunk.length
    if (this.#discarding || this.#done) return this.#take(chunk.length)
    this.#inbox.push(chunk)
    this.#wake()
  }

  #take(bytes: number): void {
    this.#unread -= bytes
    const other = this.#other
    other.#unacked -= bytes
    if (other.#full && other.#unacked <= other.#window / 2) {
      other.#full = false
      queueMicrotask(() => {
        other.onDrain?.()
        for (const wake of other.#drainWaiters.splice(0)) wake()
      })
    }
    this.#checkDone()
    other.#checkDone()
  }

  /** A direction is over when its bytes were taken; a session when both are. */
  #checkDone(): void {
    const wroteAll = this.#writeEnded && this.#unacked === 0
    const readAll = this.#discarding || this.readEnded || this.#other.#discarding
    if (wroteAll && readAll) this.#finish(undefined)
    else if (this.#other.#discarding && this.readEnded) this.#finish(undefined)
  }

  #wake(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.onReadable?.()
    })
  }

  #finish(error: Error | undefined): void {
    if (this.#done) return
    this.#done = true
    if (error !== undefined) {
      this.#inbox = []
      this.#unread = 0
    }
    this.#resolve(error)
    this.onReadable?.()
    for (const wake of this.#drainWaiters.splice(0)) wake()
  }
}

/** A tunnel whose two ends are one object: a dial reaches the listener of the same name. */
export class MemoryTunnel implements GatewayTunnel {
  readonly #listeners = new Map<string, MemoryListener>()
  readonly #window: number
  /** Dials wait for it, when set. */
  gate: Promise<void> | undefined
  dials = 0

  constructor(window = 64 * 1024) {
    this.#window = window
  }

  async listen(
    channel: string,
    _options: { readonly bytes: true }
  ): Promise<Listener<ByteSession>> {
    if (this.#listeners.has(channel)) throw new Error(`"${channel}" has a listener`)
    const listener = new MemoryListener(channel, () => this.#listeners.delete(channel))
    this.#listeners.set(channel, listener)
    return listener
  }

  async dial(
    channel: string,
    options: DialOptions & { readonly bytes: true }
  ): Promise<ByteSession> {
    options.signal?.throwIfAborted()
    this.dials++
    if (this.gate !== undefined) await waitFor(this.gate, options.signal)
    options.signal?.throwIfAborted()
    const listener = this.#listeners.get(channel)
    if (listener === undefined) {
      throw Object.assign(new Error(`no peer has "${channel}"`), { code: 'ERR_CHANNEL_UNKNOWN' })
    }
    const [near, far] = MemorySession.pair(this.#window, channel)
    listener.push(far)
    return near
  }

  /** Ends a listener, as a tunnel does that closes. */
  async closeListener(channel: string): Promise<void> {
    await this.#listeners.get(channel)?.close()
  }
}

class MemoryListener implements Listener<ByteSession> {
  readonly channel: string
  readonly #forget: () => void
  readonly #queue: ByteSession[] = []
  #waiting: ((session: ByteSession | undefined) => void) | undefined
  #closed = false

  constructor(channel: string, forget: () => void) {
    this.channel = channel
    this.#forget = forget
  }

  push(session: ByteSession): void {
    if (this.#waiting === undefined) this.#queue.push(session)
    else this.#waiting(session)
    this.#waiting = undefined
  }

  async accept(): Promise<ByteSession> {
    const queued = this.#queue.shift()
    if (queued !== undefined) return queued
    const session = this.#closed
      ? undefined
      : await new Promise<ByteSession | undefined>(resolve => {
          this.#waiting = resolve
        })
    if (session === undefined) {
      throw new ListenerClosedError('the listener is closed')
    }
    return session
  }

  /** There are no peers in memory. */
  async setPeers(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true
    this.#forget()
    for (const session of this.#queue.splice(0)) session.abort(new Error('listener closed'))
    this.#waiting?.(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<ByteSession> {
    for (;;) {
      try {
        yield await this.accept()
      } catch {
        return
      }
    }
  }
}
