import type { Socket } from 'node:net'
import { SocketConnection } from './connection.ts'
import { processDescriptors, type DescriptorUse } from './descriptors.ts'
import { resolveOptions, type TcpOptions } from './options.ts'
import { SocketTransport, type TcpComponents, type TcpTransport } from './transport.ts'

export {
  AddressInUseError,
  ConnectError,
  ConnectTimeoutError,
  ConnectionLostError,
  DescriptorLimitError,
  InactivityError,
  ListenError,
  ListenerClosedError,
  ListenerStateError,
  ReadBufferError,
  TcpAddressError,
  TcpOptionsError,
  UnixPathError,
  UnsentDataError,
  WriteBufferError,
  WriteStalledError
} from './errors.ts'
export type { DescriptorUse } from './descriptors.ts'
export type { TcpListener, TcpListenerStats } from './listener-stats.ts'
export type { TcpOptions } from './options.ts'
export type { TcpComponents, TcpTransport } from './transport.ts'

/**
 * TCP and unix sockets as a libp2p transport: `/ip4|ip6|dns|dns4|dns6/…/tcp/…` and `/unix/…`.
 *
 * Give it to a Warren swarm or to stock js-libp2p: `transports: [tcp()]`.
 *
 * @throws TcpOptionsError when an option cannot work
 */
export function tcp(options?: TcpOptions): (components: TcpComponents) => TcpTransport {
  const resolved = resolveOptions(options)
  return components => new SocketTransport(components, resolved, processDescriptors())
}

/**
 * The process's file descriptors: the limit, how many sockets of this transport hold, how many are
 * held otherwise, and how often one was refused. Shared by all transports of the process.
 */
export function descriptorUse(): DescriptorUse {
  return processDescriptors().use()
}

/**
 * The socket of a connection that this transport has made, for an encrypter that can work on it
 * directly (`node:tls`): bytes that were read and not taken are back on it. The taker reads, writes
 * and ends it; the connection only follows how it ends: `close()` waits for that, `abort()` resets.
 *
 * `undefined` for any other stream, and while something is pending or the connection closes: use
 * the stream itself then.
 */
export function takeSocket(connection: unknown): Socket | undefined {
  return connection instanceof SocketConnection ? connection.giveSocket() : undefined
}
