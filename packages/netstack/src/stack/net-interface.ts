import type { Link } from '../link/link.ts'
import { type Prefix, sameAddress, samePrefix, versionOf } from './address.ts'
import { IpOutput } from './ip-output.ts'

/** One link of a stack, with the addresses that the stack has on it. */
export class NetInterface {
  readonly link: Link
  readonly addresses: readonly Prefix[]
  readonly output: IpOutput

  constructor(link: Link, addresses: readonly Prefix[]) {
    this.link = link
    this.addresses = addresses
    this.output = new IpOutput(link)
  }

  /** Whether an address is ours here. */
  owns(address: Int32Array): boolean {
    for (const own of this.addresses) if (sameAddress(own.address, address)) return true
    return false
  }

  /** Whether it is the directed broadcast of a network of ours (RFC 919): never answered. */
  isBroadcast(address: Int32Array): boolean {
    if (versionOf(address) === 6) return false
    return this.addresses.some(own => {
      const host = 128 - own.bits
      if (host < 2 || host > 32 || !samePrefix(own.address, address, own.bits)) return false
      const mask = host === 32 ? -1 : (1 << host) - 1
      return ((address[3] as number) & mask) === mask
    })
  }

  /** The address to send from: that of the same network, else the first of the same version. */
  sourceFor(destination: Int32Array): Int32Array | undefined {
    const version = versionOf(destination)
    let first: Int32Array | undefined
    for (const own of this.addresses) {
      if (versionOf(own.address) !== version) continue
      if (samePrefix(own.address, destination, own.bits)) return own.address
      first ??= own.address
    }
    return first
  }
}
