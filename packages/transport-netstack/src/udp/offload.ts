import { createRequire } from 'node:module'
import { isIPv6 } from 'node:net'

/**
 * Segmentation and joining of datagrams by the kernel (UDP_SEGMENT, UDP_GRO; Linux 4.18 and 5.0):
 * one system call for up to 64 KiB of them. Node has no option for it, so the socket is made here,
 * through the C library, and handed to `node:dgram`.
 */

/** A bound UDP socket that the kernel cuts and joins datagrams for. */
export interface OffloadedSocket {
  readonly fd: number
}

/** What the kernel said when a socket could not be had. */
export interface SocketFailure {
  readonly call: string
  /** As `node:os` names it, such as `EADDRINUSE`. */
  readonly errno: number
}

interface ForeignFunction {
  (...args: readonly unknown[]): number
}

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, size: number): number
  bind(fd: number, address: Uint8Array, size: number): number
  close(fd: number): number
  errno(): number
}

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const SOL_UDP = 17
const UDP_SEGMENT = 103
const UDP_GRO = 104

let loaded: Libc | false | undefined

/** Can this process make such sockets? `koffi` is optional, and only Linux has them. */
export function canOffload(): boolean {
  loaded ??= load() ?? false
  return loaded !== false
}

/**
 * Makes and binds a socket.
 *
 * @param segment bytes of a full datagram; what is sent in one piece is cut into these
 * @returns `undefined` where the kernel or the machine does not have it
 */
export function openOffloaded(
  host: string,
  port: number,
  segment: number
): OffloadedSocket | SocketFailure | undefined {
  if (!canOffload() || loaded === false || loaded === undefined) return undefined
  const libc = loaded
  const six = isIPv6(host)
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) return { call: 'socket', errno: libc.errno() }
  const set = (level: number, name: number, value: number): boolean =>
    libc.setsockopt(fd, level, name, int32(value), 4) === 0
  if (!set(SOL_UDP, UDP_SEGMENT, segment) || !set(SOL_UDP, UDP_GRO, 1)) {
    libc.close(fd)
    return undefined
  }
  // So that /ip4/0.0.0.0 and /ip6/:: can have the same port.
  if (six) set(IPPROTO_IPV6, IPV6_V6ONLY, 1)
  const address = six ? socketAddress6(host, port) : socketAddress4(host, port)
  if (address === undefined || libc.bind(fd, address, address.length) < 0) {
    const failure = { call: 'bind', errno: libc.errno() }
    libc.close(fd)
    return address === undefined ? undefined : failure
  }
  return { fd }
}

function load(): Libc | undefined {
  if (process.platform !== 'linux' || process.arch === 'mips') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as {
      load(library: string): { func(prototype: string): ForeignFunction }
      errno(): number
    }
    const library = koffi.load('libc.so.6')
    return {
      socket: library.func('int socket(int domain, int type, int protocol)'),
      setsockopt: library.func(
        'int setsockopt(int fd, int level, int name, const void *value, uint32_t size)'
      ),
      bind: library.func('int bind(int fd, const void *address, uint32_t size)'),
      close: library.func('int close(int fd)'),
      errno: () => koffi.errno()
    }
  } catch {
    return undefined
  }
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer)
}

/** `struct sockaddr_in`. */
function socketAddress4(host: string, port: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_INET, true)
  view.setUint16(2, port)
  bytes.set(host.split('.').map(Number), 4)
  return bytes
}

/** `struct sockaddr_in6`; `undefined` for an address with a zone, which only a lookup resolves. */
function socketAddress6(host: string, port: number): Uint8Array | undefined {
  if (host.includes('%')) return undefined
  const bytes = new Uint8Array(28)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_INET6, true)
  view.setUint16(2, port)
  bytes.set(ipv6Bytes(host), 8)
  return bytes
}

function ipv6Bytes(host: string): Uint8Array {
  // The URL parser writes an address in its one canonical form, an embedded IPv4 one in hex.
  const text = new URL(`http://[${host}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  const bytes = new Uint8Array(16)
  for (const [i, group] of all.entries()) {
    const value = Number.parseInt(group, 16)
    bytes[2 * i] = value >> 8
    bytes[2 * i + 1] = value & 0xff
  }
  return bytes
}
