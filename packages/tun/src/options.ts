import { isIP } from 'node:net'
import { DEFAULTS } from './defaults.ts'
import { TunOptionError } from './errors.ts'

/** Options of `openTun()`. */
export interface TunOptions {
  /**
   * Name of the interface, at most 15 bytes; `%d` becomes the first free number. An existing
   * persistent interface of that name is taken over.
   *
   * @default 'warren%d'
   */
  readonly name?: string
  /**
   * Largest IP packet in bytes, from 1280 to 65535.
   *
   * @default 1500
   */
  readonly mtu?: number
  /**
   * Addresses with prefix length, like `10.9.0.1/24`, that the kernel's side of the interface gets.
   * The stack's own addresses are others of the same network.
   *
   * @default []
   */
  readonly addresses?: readonly string[]
  /**
   * Lets the kernel hand over and take TCP super-segments of up to 64 KiB with checksums left open
   * (IFF_VNET_HDR, TSO). About ten times the throughput; the packets on the kernel's side are the same.
   *
   * @default true
   */
  readonly offload?: boolean
  /**
   * Packets that the kernel keeps for us while we are busy; what does not fit it drops.
   *
   * @default 1000
   */
  readonly queueLength?: number
  /**
   * The clone device.
   *
   * @default '/dev/net/tun'
   */
  readonly device?: string
  /**
   * How we learn that packets wait: `pipe` has Node's event loop watch the descriptor, and falls back
   * to `poll`, which has a thread of the pool wait for it.
   *
   * @default 'pipe'
   */
  readonly reader?: 'pipe' | 'poll'
}

/** Fills in the defaults and checks the ranges. */
export function checkedOptions(options: TunOptions): Required<TunOptions> {
  const all = { ...DEFAULTS, ...options }
  const { name, mtu, queueLength, addresses } = all
  if (name === '' || Buffer.byteLength(name) > 15 || /[\s/]/.test(name))
    throw new TunOptionError(`name is ${JSON.stringify(name)}: give 1 to 15 bytes without spaces`)
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 65535)
    throw new TunOptionError(`mtu is ${mtu}: give a whole number from 1280 to 65535`)
  if (!Number.isInteger(queueLength) || queueLength < 1 || queueLength > 1_000_000)
    throw new TunOptionError(`queueLength is ${queueLength}: give a number from 1 to 1000000`)
  for (const address of addresses) {
    const [host = '', prefix = ''] = address.split('/')
    const version = isIP(host)
    if (version === 0 || !/^\d+$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128))
      throw new TunOptionError(`${JSON.stringify(address)} is no address with a prefix length`)
  }
  return all
}
