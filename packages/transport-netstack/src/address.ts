import { lookup } from 'node:dns/promises'
import { getNetConfig, getThinWaistAddresses } from '@libp2p/utils'
import { CODE_P2P, type Multiaddr, multiaddr, registry } from '@multiformats/multiaddr'
import { type MultiaddrMatcher, UDP } from '@multiformats/multiaddr-matcher'
import { and, code, fmt, optional, value } from '@multiformats/multiaddr-matcher/utils'
import { NetstackAddressError } from './errors.ts'
import type { UdpEndpoint } from './association/cookie-jar.ts'

/**
 * The code of the multiaddr protocol `netstack`, from the range that multicodec keeps for private
 * use: `/ip4/203.0.113.7/udp/4001/netstack`.
 */
export const CODE_NETSTACK = 0x30_4e_53

const NAME = 'netstack'

// Multiaddrs are parsed by code that knows nothing of transports: there is one registry for all.
registry.addProtocol({ code: CODE_NETSTACK, name: NAME, size: 0 })

/** Matches the addresses of this transport. */
export const Netstack: MultiaddrMatcher = fmt(
  and(...UDP.matchers, code(CODE_NETSTACK), optional(value(CODE_P2P)))
)

/** Can this transport dial and listen on `ma`? */
export function isSupported(ma: Multiaddr): boolean {
  return Netstack.exactMatch(ma)
}

/**
 * The IP address and port that a multiaddr names; names are looked up.
 *
 * @throws NetstackAddressError when it names none of ours; the system's error when a name is unknown
 */
export async function endpointOf(ma: Multiaddr): Promise<UdpEndpoint> {
  if (!isSupported(ma)) {
    throw new NetstackAddressError(
      `${ma.toString()} is no address of this transport: it takes /ip4|ip6|dns|dns4|dns6/…/udp/…/netstack`
    )
  }
  const config = getNetConfig(ma)
  const port = config.port ?? 0
  if (config.type === 'ip4') return { address: config.host, port }
  if (config.type === 'ip6') {
    // A link-local address needs its zone to be reachable.
    const zone = config.zone === undefined ? '' : `%${config.zone}`
    return { address: config.host + zone, port }
  }
  const family = config.type === 'dns4' ? 4 : config.type === 'dns6' ? 6 : 0
  const { address } = await lookup(config.host, { family })
  return { address, port }
}

/** The addresses of a listener on `listening` that was given `port`; wildcards are expanded. */
export function listenAddrs(listening: Multiaddr, port: number): Multiaddr[] {
  return getThinWaistAddresses(listening, port).map(ma => ma.encapsulate(`/${NAME}`))
}

/** The multiaddr of an endpoint. */
export function addrOf({ address, port }: UdpEndpoint): Multiaddr {
  const [host = '', zone] = address.split('%')
  const prefix = zone === undefined ? '' : `/ip6zone/${zone}`
  const family = host.includes(':') ? 'ip6' : 'ip4'
  return multiaddr(`${prefix}/${family}/${host}/udp/${port}/${NAME}`)
}
