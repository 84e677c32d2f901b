import type { AbortOptions, PeerInfo, PeerRouting } from '@libp2p/interface'
import type { RandomWalk as RandomWalkInterface } from '@libp2p/interface-internal'

/** Random bytes that a walk looks near to. */
const KEY_BYTES = 32

/** Walks the network for random peers, through the services' peer routing. */
export class RandomWalk implements RandomWalkInterface {
  readonly [Symbol.toStringTag] = '@warren/swarm/random-walk'
  readonly #routing: PeerRouting
  readonly #random: (bytes: number) => Uint8Array
  readonly #closed = new AbortController()

  constructor(routing: PeerRouting, random: (bytes: number) => Uint8Array) {
    this.#routing = routing
    this.#random = random
  }

  /** Peers near random keys, one after another, until the signal fires or the caller returns. */
  async *walk(options: AbortOptions = {}): AsyncGenerator<PeerInfo> {
    const signals = [this.#closed.signal, ...(options.signal ? [options.signal] : [])]
    const signal = AbortSignal.any(signals)
    for (;;) {
      signal.throwIfAborted()
      let found = 0
      for await (const peer of this.#routing.getClosestPeers(this.#random(KEY_BYTES), { signal })) {
        found++
        yield peer
        signal.throwIfAborted()
      }
      // A network without any other peer yields nothing, now or in a loop.
      if (found === 0) return
    }
  }

  /** Ends every walk. */
  stop(reason: Error): void {
    this.#closed.abort(reason)
  }
}
