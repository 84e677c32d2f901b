import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { BackoffOptions } from '@warren/utils'
import { NodeKeeper } from './node-keeper.ts'
import type { NodeTarget } from './node-keeper.ts'
import type { TunnelLink } from './tunnel-link.ts'

/** What a {@link NodeSet} needs. */
export interface NodeSetInit {
  readonly self: PeerId
  readonly reconnect: BackoffOptions
  readonly directRetry: BackoffOptions
  readonly random: () => number
  readonly now: () => number
  link(target: NodeTarget, force: boolean, signal: AbortSignal): Promise<TunnelLink>
  linkDirectly(target: NodeTarget, signal: AbortSignal): Promise<TunnelLink>
  current(peer: PeerId): TunnelLink | undefined
  wanted(peer: PeerId): boolean
  /** @param peer who it was, where that is known */
  onError(error: Error, node: Multiaddr | PeerId, fatal: boolean, peer: PeerId | undefined): void
}

/** Everyone that links are kept to: the nodes of the options and the sharers of tickets. */
export class NodeSet {
  readonly #init: NodeSetInit
  readonly #keepers = new Map<string, NodeKeeper>()
  #started = false

  constructor(init: NodeSetInit) {
    this.#init = init
  }

  get size(): number {
    return this.#keepers.size
  }

  /** Keeps links to exactly these; returns the peers of those that are gone. */
  set(targets: readonly NodeTarget[]): PeerId[] {
    const wanted = new Map<string, NodeTarget>()
    for (const target of targets) {
      // A node list may name ourselves: what is listened on here is dialled in process.
      if (target.peer?.equals(this.#init.self) !== true) wanted.set(target.key, target)
    }
    const gone: PeerId[] = []
    for (const [key, keeper] of this.#keepers) {
      const next = wanted.get(key)
      // The same key with other addresses (another ticket of the same sharer) starts anew.
      if (next !== undefined && sameAddrs(next, keeper.target)) continue
      this.#keepers.delete(key)
      void keeper.close()
      if (next === undefined && keeper.target.peer !== undefined) gone.push(keeper.target.peer)
    }
    for (const [key, target] of wanted) {
      if (this.#keepers.has(key)) continue
      const keeper = this.#keeper(target)
      this.#keepers.set(key, keeper)
      if (this.#started) void keeper.start()
    }
    return gone.filter(peer => !this.keeps(peer.toString()))
  }

  /** Starts; resolves when each was tried once. */
  async start(): Promise<void> {
    this.#started = true
    await Promise.all([...this.#keepers.values()].map(keeper => keeper.start()))
  }

  /** Tries every node without a link now. */
  wake(): void {
    for (const keeper of this.#keepers.values()) keeper.wake()
  }

  /** A dial looks for a link. */
  want(): void {
    for (const keeper of this.#keepers.values()) keeper.want()
  }

  /** Tries the nodes of one peer now: its credentials have changed. */
  wakePeer(peer: PeerId): void {
    for (const keeper of this.#keepers.values()) {
      if (keeper.target.peer?.equals(peer) === true) keeper.wake()
    }
  }

  /** A link to `peer` came or went. */
  changed(peer: string): void {
    for (const keeper of this.#keepers.values()) keeper.changed(peer)
  }

  /** Nodes without a link, and why. */
  unlinked(): { node: string; error: Error | undefined }[] {
    return [...this.#keepers.values()]
      .filter(({ target }) => target.peer === undefined || !this.#init.current(target.peer))
      .map(({ target, lastError }) => ({ node: target.node.toString(), error: lastError }))
  }

  /** Why no node will ever let this side in; `undefined` while any may, or when there are none. */
  hopeless(): Error | undefined {
    const keepers = [...this.#keepers.values()]
    if (!this.#started || keepers.some(({ fatal }) => fatal === undefined)) return undefined
    return keepers[0]?.fatal
  }

  async close(): Promise<void> {
    const keepers = [...this.#keepers.values()]
    this.#keepers.clear()
    await Promise.all(keepers.map(keeper => keeper.close()))
  }

  /** Whether a link to the peer is kept. */
  keeps(peer: string): boolean {
    return [...this.#keepers.values()].some(({ target }) => target.peer?.toString() === peer)
  }

  #keeper(target: NodeTarget): NodeKeeper {
    const init = this.#init
    return new NodeKeeper({
      target,
      reconnect: init.reconnect,
      directRetry: init.directRetry,
      random: init.random,
      now: init.now,
      link: (...args) => init.link(...args),
      linkDirectly: (...args) => init.linkDirectly(...args),
      current: peer => init.current(peer),
      wanted: peer => init.wanted(peer),
      onError: (error, fatal) => init.onError(error, target.node, fatal, target.peer)
    })
  }
}

function sameAddrs(a: NodeTarget, b: NodeTarget): boolean {
  return a.addrs.map(String).sort().join() === b.addrs.map(String).sort().join()
}
