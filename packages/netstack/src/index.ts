/**
 * TCP/IP in TypeScript. `wire` reads and writes headers in place, `tcp` is one connection without
 * I/O or clock, `stack` puts connections, listeners and links together.
 */
export { NetstackOptionError } from './errors.ts'
export { finish, pseudoHeaderSum, sum } from './wire/checksum.ts'
export { IpView, PROTOCOL, parseIp } from './wire/ip.ts'
export { IPV4_HEADER, writeIpv4 } from './wire/ipv4.ts'
export { IPV6_HEADER, writeIpv6 } from './wire/ipv6.ts'
export { Slab } from './wire/slab.ts'
export { FLAG, TcpSegment, parseTcp, writeTcp, writeTcpChecksum } from './wire/tcp.ts'
