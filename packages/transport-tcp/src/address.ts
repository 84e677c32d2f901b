import { isAbsolute } from 'node:path'
import type { Socket } from 'node:net'
import { getNetConfig, getThinWaistAddresses, ipPortToMultiaddr } from '@libp2p/utils'
import { CODE_UNIX, multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { TCP, Unix } from '@multiformats/multiaddr-matcher'
import { TcpAddressError, UnixPathError } from './errors.ts'

/** Where a socket connects to or listens. */
export type Endpoint =
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly family: 0 | 4 | 6
    }
  | { readonly kind: 'unix'; readonly path: string }

/**
 * Bytes of the longest path that fits a `sockaddr_un` with its final zero: 108 on Linux, 104 on
 * the BSDs and macOS. Node cuts longer ones without a word and uses another file.
 */
export const MAX_UNIX_PATH = process.platform === 'linux' ? 107 : 103

/** Can this transport dial and listen on `ma`? Node has no unix sockets on Windows. */
export function isSupported(ma: Multiaddr): boolean {
  return TCP.exactMatch(ma) || (process.platform !== 'win32' && Unix.exactMatch(ma))
}

/**
 * The endpoint that a multiaddr names.
 *
 * @throws TcpAddressError when it names none of ours, UnixPathError when its path cannot be used
 */
export function endpointOf(ma: Multiaddr): Endpoint {
  if (!isSupported(ma)) {
    throw new TcpAddressError(
      `${ma.toString()} is no address of the TCP transport: it takes /ip4|ip6|dns|dns4|dns6/…/tcp/… and /unix/…`
    )
  }
  const path = ma.getComponents().find(component => component.code === CODE_UNIX)?.value
  if (path !== undefined) return { kind: 'unix', path: checkedPath(path) }
  const config = getNetConfig(ma)
  // A link-local IPv6 address needs its zone to be reachable.
  const zone = 'zone' in config && config.zone !== undefined ? `%${config.zone}` : ''
  const families: Record<string, 4 | 6> = { ip4: 4, dns4: 4, ip6: 6, dns6: 6 }
  return {
    kind: 'tcp',
    host: config.host + zone,
    port: config.port ?? 0,
    family: families[config.type] ?? 0
  }
}

/** The endpoint as people write it, for messages. */
export function printEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return endpoint.path
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`
}

/** The addresses of a listener on `listening` that was given `port`; wildcards are expanded. */
export function listenAddrs(listening: Multiaddr, bound: string | number): Multiaddr[] {
  return typeof bound === 'string' ? [unixAddr(bound)] : getThinWaistAddresses(listening, bound)
}

/** The remote address of an accepted socket; `undefined` when the socket has already died. */
export function remoteAddrOf(socket: Socket, listening: Multiaddr): Multiaddr | undefined {
  // The client end of a unix socket has no name: both ends are known by the listener's.
  if (Unix.matches(listening)) return listening
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return addrOf(remoteAddress, remotePort)
}

/** The local address of a connected socket; that of the listener or the dial for unix sockets. */
export function localAddrOf(socket: Socket, fallback: Multiaddr): Multiaddr {
  const { localAddress, localPort } = socket
  if (localAddress === undefined || localPort === undefined) return fallback
  return addrOf(localAddress, localPort)
}

function addrOf(address: string, port: number): Multiaddr {
  // A dual-stack socket shows IPv4 peers as ::ffff:1.2.3.4; limits per source must see one address.
  if (address.startsWith('::ffff:') && address.includes('.')) {
    return ipPortToMultiaddr(address.slice('::ffff:'.length), port)
  }
  const zone = address.indexOf('%')
  if (zone < 0) return ipPortToMultiaddr(address, port)
  return multiaddr(`/ip6zone/${address.slice(zone + 1)}/ip6/${address.slice(0, zone)}/tcp/${port}`)
}

function unixAddr(path: string): Multiaddr {
  return multiaddr(`/unix/${encodeURIComponent(path)}`)
}

function checkedPath(path: string): string {
  const length = Buffer.byteLength(path)
  if (length > MAX_UNIX_PATH) {
    throw new UnixPathError(
      `the unix socket path has ${length} bytes and the system takes ${MAX_UNIX_PATH}: use a shorter one: ${path}`
    )
  }
  if (path.includes('\0')) {
    throw new UnixPathError('the unix socket path contains a zero byte: name a file')
  }
  if (!isAbsolute(path)) {
    throw new UnixPathError(
      `the unix socket path must be absolute, as in /unix/%2Frun%2Fpeer.sock: ${path}`
    )
  }
  return path
}
