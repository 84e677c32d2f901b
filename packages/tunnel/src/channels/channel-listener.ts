import type { AbortOptions } from '@libp2p/interface'
import { waitFor } from '@warren/utils'
import { PeerGate } from '../auth/peer-gate.ts'
import type { PeerAccess } from '../auth/peer-gate.ts'
import { ListenerClosedError } from '../errors.ts'
import type { ByteSession, Mode, Session } from '../session/session-types.ts'
import type { Listener, ListenerCloseOptions } from '../tunnel-types.ts'
import type { ChannelInfo } from './channel-table.ts'
import { ReadTimeoutSession } from './read-timeout.ts'

/** What a {@link ChannelListener} is made with. */
export interface ChannelListenerInit {
  readonly channel: string
  readonly mode: Mode
  readonly bytes: boolean
  /** Only sealed sessions are accepted from peers. */
  readonly seal: boolean
  /** Sessions that may wait to be accepted. */
  readonly backlog: number
  /** Closes the listener when it aborts. */
  readonly signal: AbortSignal | undefined
  /** Milliseconds that `receive` of a session waits; `undefined`: no limit. */
  readonly readTimeout: number | undefined
  /** Peers that may know of the channel and open it. */
  readonly gate: PeerGate
  /** The peers have changed; resolves when what they may not have any more has ended. */
  readonly onPeers: () => Promise<void>
  /** Called once, when the listener closes. */
  readonly onClose: () => void
}

type AnySession = Session | ByteSession

/** A call of `accept` that waits. */
interface Waiter {
  readonly resolve: (session: AnySession) => void
  readonly reject: (error: Error) => void
}

/** A channel that is listened on here: the queue of sessions that peers have opened on it. */
export class ChannelListener implements Listener<AnySession>, ChannelInfo {
  readonly channel: string
  readonly mode: Mode
  readonly bytes: boolean
  readonly seal: boolean
  readonly #init: ChannelListenerInit
  readonly #queue: AnySession[] = []
  readonly #waiters = new Set<Waiter>()
  /** Sessions of this listener that have not ended, accepted or not. */
  readonly #sessions = new Set<AnySession>()
  /** Sessions that were promised a place and have not come yet. */
  #reserved = 0
  #gate: PeerGate
  #closed = false
  #closing: Promise<void> | undefined

  constructor(init: ChannelListenerInit) {
    this.#init = init
    this.channel = init.channel
    this.mode = init.mode
    this.bytes = init.bytes
    this.seal = init.seal
    this.#gate = init.gate
    init.signal?.addEventListener('abort', this.#onAbort)
  }

  /** Whether the peer may know of the channel and open it. */
  admits(peer: string): boolean {
    return this.#gate.admits(peer)
  }

  async setPeers(peers: PeerAccess): Promise<void> {
    this.#gate = new PeerGate(peers)
    if (!this.#closed) await this.#init.onPeers()
  }

  /** Keeps a place for one session that is about to be accepted; `false` when the queue is full. */
  reserve(): boolean {
    if (this.#closed || this.#queue.length + this.#reserved >= this.#init.backlog) return false
    this.#reserved++
    return true
  }

  /** Puts a session in its reserved place. */
  push(given: AnySession): void {
    const { readTimeout } = this.#init
    const session =
      readTimeout !== undefined && 'receive' in given
        ? new ReadTimeoutSession(given, readTimeout)
        : given
    this.#reserved--
    if (this.#closed) {
      session.abort(new ListenerClosedError(`the listener of ${this.channel} is closed`))
      return
    }
    this.#sessions.add(session)
    void session.closed.then(() => this.#sessions.delete(session))
    this.#offer(session, 'last')
  }

  async accept(options: AbortOptions = {}): Promise<AnySession> {
    options.signal?.throwIfAborted()
    if (this.#closed) throw this.#closedError()
    const queued = this.#queue.shift()
    if (queued !== undefined) return queued
    const { promise, resolve, reject } = Promise.withResolvers<AnySession>()
    let given: AnySession | undefined
    const waiter: Waiter = {
      resolve: session => {
        given = session
        this.#waiters.delete(waiter)
        resolve(session)
      },
      reject
    }
    this.#waiters.add(waiter)
    try {
      return await waitFor(promise, options.signal)
    } catch (error) {
      // It came just as the wait was given up: the next one gets it.
      if (given !== undefined) this.#offer(given, 'first')
      throw error
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  close({ keepSessions = false }: ListenerCloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(keepSessions)
    return this.#closing
  }

  [Symbol.asyncIterator](): AsyncIterator<AnySession> {
    return {
      next: async () => {
        if (this.#closed) return { done: true, value: undefined }
        try {
          return { done: false, value: await this.accept() }
        } catch (error) {
          if (error instanceof ListenerClosedError) return { done: true, value: undefined }
          throw error
        }
      },
      // Leaving the loop ends neither the listener nor the session that the loop was left with.
      return: async () => ({ done: true, value: undefined })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #offer(session: AnySession, place: 'first' | 'last'): void {
    const [waiter] = this.#waiters
    if (waiter !== undefined) waiter.resolve(session)
    else if (place === 'last') this.#queue.push(session)
    else this.#queue.unshift(session)
  }

  async #close(keepSessions: boolean): Promise<void> {
    this.#closed = true
    this.#init.signal?.removeEventListener('abort', this.#onAbort)
    this.#init.onClose()
    for (const { reject } of this.#waiters) reject(this.#closedError())
    // Nobody will take these any more, so nothing can be delivered.
    for (const session of this.#queue.splice(0)) session.abort(this.#closedError())
    if (keepSessions) return
    // A session that did not end cleanly says so itself.
    await Promise.allSettled([...this.#sessions].map(session => session.close()))
  }

  readonly #onAbort = (): void => {
    void this.close()
  }

  #closedError(): ListenerClosedError {
    return new ListenerClosedError(
      `no session will come on ${this.channel}: its listener, or the tunnel, is closed`
    )
  }
}
