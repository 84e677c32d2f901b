import { closeSync, constants, openSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { TunUnavailableError } from './errors.ts'
import { ERRNO, libc } from './libc.ts'

const TUNSETIFF = 0x400454ca
const TUNSETOFFLOAD = 0x400454d0

const IFF_TUN = 0x0001
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000

const TUN_F_CSUM = 1
const TUN_F_TSO4 = 2
const TUN_F_TSO6 = 4

/** `struct ifreq`: 16 bytes of name, then a union. */
const IFREQ_SIZE = 40
const NAME_SIZE = 16

/** An open TUN descriptor. */
export interface TunDevice {
  readonly fd: number
  /** The name that the kernel gave it. */
  readonly name: string
}

/**
 * Makes, or attaches to, a TUN interface.
 *
 * @throws TunUnavailableError with what is missing
 */
export function openTunDevice(name: string, device: string, offload: boolean): TunDevice {
  const c = libc()
  let fd: number
  try {
    fd = openSync(device, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (cause) {
    throw new TunUnavailableError(
      `${device} cannot be opened: load the tun module, or ask for access to the device`,
      { cause }
    )
  }
  const request = Buffer.alloc(IFREQ_SIZE)
  request.write(name, 'latin1')
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0), NAME_SIZE)
  if (c.ioctlPointer(fd, TUNSETIFF, request) < 0) {
    const errno = c.errno()
    closeSync(fd)
    throw new TunUnavailableError(
      `the interface ${name} cannot be made (${getSystemErrorName(-errno)}): ${advice(errno)}`
    )
  }
  // A kernel that refuses the offloads cuts segments itself: slower, and nothing else changes.
  if (offload) c.ioctlNumber(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)
  return { fd, name: request.toString('latin1', 0, request.indexOf(0)) }
}

function advice(errno: number): string {
  if (errno === ERRNO.EBUSY) return 'another process has it open'
  if (errno === ERRNO.EPERM)
    return 'it takes CAP_NET_ADMIN, which `unshare -Urn` gives without root, or a persistent interface of this user'
  return 'see tun in the kernel documentation'
}
