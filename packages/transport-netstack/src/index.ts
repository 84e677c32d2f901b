import { type NetstackOptions, resolveOptions } from './options.ts'
import { type NetstackComponents, type NetstackTransport, UdpTransport } from './transport.ts'

export { CODE_NETSTACK, Netstack } from './address.ts'
export {
  NetstackAddressError,
  NetstackConnectError,
  NetstackConnectTimeoutError,
  NetstackConnectionLostError,
  NetstackListenError,
  NetstackListenInUseError,
  NetstackListenerClosedError,
  NetstackListenerStateError,
  NetstackTransportOptionsError,
  NetstackUnsentDataError
} from './errors.ts'
export type { NetstackListener, NetstackListenerStats } from './listener-stats.ts'
export type { NetstackOptions } from './options.ts'
export type { NetstackComponents, NetstackTransport } from './transport.ts'

/**
 * Warren's userspace TCP over UDP as a libp2p transport: `/ip4|ip6|dns|dns4|dns6/…/udp/…/netstack`.
 * Connections survive a change of the dialler's address.
 *
 * Give it to a Warren swarm or to stock js-libp2p: `transports: [netstack()]`.
 *
 * @throws NetstackTransportOptionsError when an option cannot work
 */
export function netstack(
  options?: NetstackOptions
): (components: NetstackComponents) => NetstackTransport {
  const resolved = resolveOptions(options)
  return components => new UdpTransport(components, resolved)
}
