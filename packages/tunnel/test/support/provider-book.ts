import type { ContentRouting, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Swarm } from '@warren/swarm'

type Cid = Parameters<ContentRouting['provide']>[0]

/** A DHT as its users see it, in the memory of this process: what one provides the others find. */
export class ProviderBook {
  /** Peers and addresses of those who provide each key. */
  readonly records = new Map<string, Map<string, { id: PeerId; multiaddrs: Multiaddr[] }>>()
  /** Calls, in order: what and with which key. */
  readonly calls: [what: 'provide' | 'cancel' | 'find', key: string][] = []
  /** Thrown by as many calls of `provide`. */
  failures = 0

  /** The book as `swarm` sees it. */
  of(swarm: Swarm): Pick<ContentRouting, 'provide' | 'findProviders' | 'cancelReprovide'> {
    return {
      provide: async (key: Cid) => {
        this.calls.push(['provide', key.toString()])
        if (this.failures > 0) {
          this.failures--
          throw new Error('nobody takes the record')
        }
        const record = { id: swarm.peerId, multiaddrs: swarm.listenAddrs() }
        const known = this.records.get(key.toString()) ?? new Map()
        this.records.set(key.toString(), known.set(swarm.peerId.toString(), record))
      },
      cancelReprovide: async (key: Cid) => {
        this.calls.push(['cancel', key.toString()])
      },
      findProviders: (key: Cid) => this.#find(key.toString())
    }
  }

  async *#find(key: string) {
    this.calls.push(['find', key])
    for (const { id, multiaddrs } of this.records.get(key)?.values() ?? []) {
      yield { id, multiaddrs, routing: 'book' }
    }
  }
}
