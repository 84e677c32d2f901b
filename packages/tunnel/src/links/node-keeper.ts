import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { BackoffOptions } from '@warren/utils'
import { Backoff } from '@warren/utils'
import { GoodbyeReason } from '../../proto/control.ts'
import { isFatalRefusal } from '../auth/refusal.ts'
import { LinkTimeoutError } from '../errors.ts'
import { isDirect } from './node-target.ts'
import { RedialPauses } from './redial-pauses.ts'
import type { TunnelLink } from './tunnel-link.ts'

/** A peer to keep a link to: where it is, who it is, or both. */
export interface NodeTarget {
  /** What names it in events: the node as it was given. */
  readonly node: Multiaddr | PeerId
  /** Same text, same target. */
  readonly key: string
  readonly addrs: readonly Multiaddr[]
  /** `undefined` until a first connection has told, when only an address was given. */
  readonly peer: PeerId | undefined
}

/** What a keeper needs of the tunnel. */
export interface NodeKeeperInit {
  readonly target: NodeTarget
  readonly reconnect: BackoffOptions
  /** Between looks for a direct way to a peer whose link is relayed. */
  readonly directRetry: BackoffOptions
  readonly random: () => number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Dials, proves, and gives the link; an existing link to the same peer is as good. */
  link(target: NodeTarget, force: boolean, signal: AbortSignal): Promise<TunnelLink>
  /** Looks for a direct way to a peer whose link is relayed; resolves when there is one. */
  linkDirectly(target: NodeTarget, signal: AbortSignal): Promise<TunnelLink>
  /** The link to the peer, if there is one now. */
  current(peer: PeerId): TunnelLink | undefined
  /** A session with the peer, or a dial, waits for a link. */
  wanted(peer: PeerId): boolean
  onError(error: Error, fatal: boolean): void
}

/** Why a look for a direct way ends early. */
const CHANGED = new Error('a link to the peer came or went')

/** A link that lived for less was not established: the peer may refuse us each time. */
const ESTABLISHED_AFTER = 200

/**
 * Keeps a link to one node: dials at once when an established link was lost that something waits for,
 * else as soon as something does, or the peer's other clients leave room; then with growing pauses. After a refusal that another attempt cannot change, only at the longest pause, and the
 * refusal is reported once.
 */
export class NodeKeeper {
  readonly #init: NodeKeeperInit
  readonly #pauses: RedialPauses
  /** Between looks for a way past the relay. */
  readonly #directBackoff: Backoff
  readonly #closed = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  #target: NodeTarget
  #wake = (): void => {}
  /** `wake` was called while an attempt was under way: the pause after it is skipped. */
  #again = false
  /** It pauses because nothing waits for the link. */
  #idle = false
  #reported: string | undefined
  #fatal: Error | undefined
  #lastError: Error | undefined
  #force = false
  #running: Promise<void> | undefined

  constructor(init: NodeKeeperInit) {
    this.#init = init
    this.#target = init.target
    this.#pauses = new RedialPauses(init.reconnect, init.random)
    this.#directBackoff = new Backoff(init.directRetry, init.random)
  }

  get target(): NodeTarget {
    return this.#target
  }

  /** Why the node will not let this side in, whatever is tried; `undefined` while there is hope. */
  get fatal(): Error | undefined {
    return this.#fatal
  }

  /** Why the last attempt failed; `undefined` once linked. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  /** Starts; resolves when the node was tried once, whatever came of it. */
  start(): Promise<void> {
    this.#running ??= this.#run()
    return this.#first.promise
  }

  /** Ends a pause: tries now, if there is no link. */
  wake(): void {
    // What made it hopeless may have changed: whoever waits for the link waits for the next attempt.
    this.#fatal = undefined
    this.#pauses.reset()
    this.#directBackoff.reset()
    this.#again = true
    this.#wake()
  }

  /** A dial looks for a link: one that was lost while nothing waited for it is made anew now. */
  want(): void {
    if (!this.#idle) return
    this.#again = true
    this.#wake()
  }

  /** A link to this peer has ended, or come about. */
  changed(peer: string): void {
    if (this.#target.peer?.toString() === peer) this.#wake()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#wake()
    this.#first.resolve()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      this.#again = false
      const pause = await this.#attempt()
      this.#first.resolve()
      if (pause > 0 && !this.#again) await this.#sleep(pause)
      this.#idle = false
    }
  }

  /** Links and stays until the link is lost; returns how long to pause before the next attempt. */
  async #attempt(): Promise<number> {
    const init = this.#init
    const { signal } = this.#closed
    let link = this.#target.peer === undefined ? undefined : init.current(this.#target.peer)
    if (link === undefined) {
      try {
        link = await init.link(this.#target, this.#force, signal)
      } catch (error) {
        if (signal.aborted) return 0
        return this.#onFailure(error as Error)
      }
    }
    this.#onLinked(link)
    const since = init.now()
    while (link !== undefined && !signal.aborted) {
      const current = link
      if (current.relayed && this.#target.addrs.some(isDirect)) await this.#lookForDirectWay()
      else {
        const there = (): boolean => init.current(current.connection.remotePeer) === current
        await this.#sleepUntilChanged(there)
      }
      const next = init.current(current.connection.remotePeer)
      if (next === undefined) break
      if (!next.relayed) this.#directBackoff.reset()
      link = next
    }
    return this.#onLost(link, init.now() - since)
  }

  /** One look past the relay, after a pause that grows; ends early when a link comes or goes. */
  async #lookForDirectWay(): Promise<void> {
    await this.#sleep(this.#directBackoff.next())
    const stop = new AbortController()
    this.#wake = () => stop.abort(CHANGED)
    try {
      // A link that ended, or came, before the dial began: the caller looks.
      const link = this.#target.peer && this.#init.current(this.#target.peer)
      if (link?.relayed !== true || this.#closed.signal.aborted) return
      await this.#init.linkDirectly(this.#target, stop.signal)
    } catch {
      // The relayed link carries on; the next look may find the way open.
    } finally {
      this.#wake = () => {}
    }
  }

  #onLinked(link: TunnelLink): void {
    if (!link.relayed) this.#directBackoff.reset()
    this.#target = { ...this.#target, peer: link.connection.remotePeer }
    this.#reported = undefined
    this.#fatal = undefined
    this.#lastError = undefined
    this.#force = false
    this.#first.resolve()
  }

  #onLost(link: TunnelLink | undefined, lived: number): number {
    // Its connection may be dead without the swarm knowing, or the address be in back-off.
    this.#force = true
    const young = lived < ESTABLISHED_AFTER
    // The peer that let a session in does not refuse us: only the way breaks, again and again.
    if (!young || link?.useful === true) this.#pauses.reset()
    if (link !== undefined) this.#pauses.crowd(link.crowd)
    if (young || link?.endedBy === GoodbyeReason.SHUTDOWN) return this.#pauses.failed()
    const { peer } = this.#target
    this.#idle = peer === undefined || !this.#init.wanted(peer)
    return this.#idle ? this.#pauses.idle() : 0
  }

  #onFailure(error: Error): number {
    const fatal = isFatalRefusal(error)
    this.#fatal = fatal ? error : undefined
    this.#lastError = error
    this.#force = error instanceof LinkTimeoutError || this.#pauses.attempts > 0
    const pause = this.#pauses.failed()
    if (!fatal || this.#reported !== error.name) this.#init.onError(error, fatal)
    this.#reported = fatal ? error.name : undefined
    const { reconnect, random } = this.#init
    return fatal ? (reconnect.max * (1 + random())) / 2 : Math.max(pause, 1)
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#closed.signal.aborted) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }

  /** Waits for a change, unless what it waits for has already changed. */
  async #sleepUntilChanged(unchanged: () => boolean): Promise<void> {
    if (this.#closed.signal.aborted || !unchanged()) return
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = () => {}
  }
}
