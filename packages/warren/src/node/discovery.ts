import type { PeerDiscovery } from '@libp2p/interface'
import type { Swarm, SwarmInit } from '@warren/swarm'
import { dhtDirectory } from '@warren/tunnel'
import type { TunnelOptions } from '@warren/tunnel'

/** How a node finds others, beside those it is told of. */
export interface Discovery {
  readonly dht: boolean
  readonly lan: boolean
}

/** Milliseconds between two times that a node's channels are stored in the DHT. */
const PROVIDE_INTERVAL = 600_000
/** Milliseconds for which a record holds: it survives two times of storing that fail. */
const RECORD_VALIDITY = 3 * PROVIDE_INTERVAL

/**
 * The DHT of Warren's nodes. Compared with libp2p's defaults, which are for the open internet, records
 * lie at fewer nodes and a query asks fewer of them: a quarter of the messages (docs/scale.md).
 */
const DHT = { protocol: '/warren/kad/1.0.0', kBucketSize: 8, alpha: 3, disjointPaths: 1 }

/** Asked for by mDNS: other libp2p programs on the network are not woken. */
const MDNS_TAG = '_warren._udp.local'

/** The services that discovery needs. Loaded only where they are wanted. */
export async function discoveryServices(
  { dht, lan }: Discovery,
  listens: boolean
): Promise<NonNullable<SwarmInit['services']>> {
  const [kad, mdns] = await Promise.all([
    dht ? import('@libp2p/kad-dht') : undefined,
    lan ? import('@libp2p/mdns') : undefined
  ])
  return {
    ...(kad === undefined
      ? {}
      : {
          dht: kad.kadDHT({
            ...DHT,
            // Whom nobody can dial holds no records of others.
            clientMode: !listens,
            // Nodes of one network meet at private addresses too.
            peerInfoMapper: kad.passthroughMapper,
            // The directory stores its records again by itself; here those of others expire.
            reprovide: { validity: RECORD_VALIDITY, interval: PROVIDE_INTERVAL, threshold: 1 }
          })
        }),
    ...(mdns === undefined ? {} : { mdns: mdns.mdns({ serviceTag: MDNS_TAG }) })
  }
}

/** What the tunnel makes of these services. */
export function discoveryOptions(
  { dht, lan }: Discovery,
  swarm: Swarm,
  onError: (error: Error) => void
): Partial<TunnelOptions> {
  const { contentRouting } = swarm.components
  const services = swarm.services as { readonly mdns?: PeerDiscovery }
  return {
    ...(dht
      ? {
          directories: [
            dhtDirectory({ contentRouting, provideInterval: PROVIDE_INTERVAL, onError })
          ],
          linkConnections: false
        }
      : {}),
    ...(lan && services.mdns !== undefined ? { peerDiscovery: [services.mdns] } : {})
  }
}
