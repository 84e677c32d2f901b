/**
 * TCP/IP in TypeScript. `wire` reads and writes headers in place, `tcp` is one connection without
 * I/O or clock, `stack` puts connections, listeners and links together, `link` carries packets in
 * batches, `socket` is what applications hold.
 */
export {
  NetstackAbortedError,
  NetstackAddressInUseError,
  NetstackClosedError,
  NetstackLimitError,
  NetstackOptionError,
  NetstackRefusedError,
  NetstackResetError,
  NetstackTimeoutError,
  NetstackUnreachableError
} from './errors.ts'
export type { Impairments } from './link/impairments.ts'
export type { Link, LinkCapabilities, LinkReceiver, LinkStats } from './link/link.ts'
export { memoryLinkPair } from './link/memory-link.ts'
export type { MemoryLink, MemoryLinkOptions } from './link/memory-link.ts'
export { CHECKSUM, HEADROOM, PacketBatch } from './link/packet-batch.ts'
export type { ChecksumState } from './link/packet-batch.ts'
export { seededRandom } from './link/seeded-random.ts'
export { NetServer, connect, createServer } from './socket/net-server.ts'
export type { NetConnectOptions, NetListenOptions } from './socket/net-server.ts'
export { NetSocket } from './socket/net-socket.ts'
export type { NetSocketOptions } from './socket/net-socket.ts'
export type { TcpListener } from './socket/tcp-listener.ts'
export type { TcpSocket, TcpSocketEvents } from './socket/tcp-socket.ts'
export type { DatagramInfo, UdpSocket, UdpSocketEvents } from './socket/udp-socket.ts'
export { formatAddress, parseAddress } from './stack/address.ts'
export type { Clock, ClockTimer } from './stack/clock.ts'
export type { SynCookieMode } from './stack/listener.ts'
export { createStack } from './stack/stack.ts'
export type { Stack } from './stack/stack.ts'
export type {
  ConnectTarget,
  ListenTarget,
  StackInterface,
  StackStats
} from './stack/stack-types.ts'
export type { StackOptions } from './stack/stack-options.ts'
export type { StackCounts } from './stack/stats.ts'
export { systemClock } from './stack/system-clock.ts'
export type { TcpRejection, TcpRequest } from './stack/tcp-request.ts'
export type { UdpForwarder } from './stack/udp-endpoints.ts'
export { VirtualClock } from './stack/virtual-clock.ts'
export type { TcbInfo, TcpState } from './tcp/tcb-types.ts'
export type { CongestionName, TcpConfig } from './tcp/tcp-config.ts'
export { finish, pseudoHeaderSum, sum } from './wire/checksum.ts'
export { IpView, PROTOCOL, parseIp } from './wire/ip.ts'
export { IPV4_HEADER, writeIpv4 } from './wire/ipv4.ts'
export { IPV6_HEADER, writeIpv6 } from './wire/ipv6.ts'
export { Slab } from './wire/slab.ts'
export { FLAG, TcpSegment, parseTcp, writeTcp, writeTcpChecksum } from './wire/tcp.ts'
