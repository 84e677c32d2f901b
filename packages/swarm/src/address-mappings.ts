import type { AddressType } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'

/** A port of a router that leads to one of ours. */
export interface PublicMapping {
  readonly internalIp: string
  readonly internalPort: number
  readonly externalIp: string
  readonly externalPort: number
  readonly protocol: 'tcp' | 'udp'
}

/** An address that stands for one we listen on. */
export interface MappedAddress {
  readonly multiaddr: Multiaddr
  readonly type: AddressType
}

/** Names and router ports under which listened addresses are reachable from elsewhere. */
export class AddressMappings {
  readonly #domains = new Map<string, readonly string[]>()
  readonly #public = new Map<string, PublicMapping>()

  addDomain(domain: string, ipAddresses: readonly string[]): void {
    this.#domains.set(domain, [...ipAddresses])
  }

  removeDomain(domain: string): void {
    this.#domains.delete(domain)
  }

  addPublic(mapping: PublicMapping): void {
    this.#public.set(keyOf(mapping), mapping)
  }

  removePublic(mapping: PublicMapping): void {
    this.#public.delete(keyOf(mapping))
  }

  /** The addresses that stand for `listened` ones. */
  of(listened: readonly Multiaddr[]): MappedAddress[] {
    return [...this.#throughRouter(listened), ...this.#byName(listened)]
  }

  #throughRouter(listened: readonly Multiaddr[]): MappedAddress[] {
    const found: MappedAddress[] = []
    for (const address of listened) {
      const [ip, port, ...rest] = address.getComponents()
      for (const mapping of this.#public.values()) {
        if (ip?.value !== mapping.internalIp || port?.name !== mapping.protocol) continue
        if (port.value !== String(mapping.internalPort)) continue
        const family = mapping.externalIp.includes(':') ? 'ip6' : 'ip4'
        const place = `/${family}/${mapping.externalIp}/${mapping.protocol}/${mapping.externalPort}`
        found.push({ multiaddr: multiaddr(place + textOf(rest)), type: 'ip-mapping' })
      }
    }
    return found
  }

  #byName(listened: readonly Multiaddr[]): MappedAddress[] {
    const found: MappedAddress[] = []
    const addresses = [...listened, ...this.#throughRouter(listened).map(each => each.multiaddr)]
    for (const address of addresses) {
      const [ip, ...rest] = address.getComponents()
      for (const [domain, ips] of this.#domains) {
        if (ip?.value === undefined || !ips.includes(ip.value)) continue
        const kind = ip.name === 'ip6' ? 'dns6' : 'dns4'
        found.push({
          multiaddr: multiaddr(`/${kind}/${domain}${textOf(rest)}`),
          type: 'dns-mapping'
        })
      }
    }
    return found
  }
}

function keyOf(mapping: PublicMapping): string {
  const { internalIp, internalPort, externalIp, externalPort, protocol } = mapping
  return [internalIp, internalPort, externalIp, externalPort, protocol].join(' ')
}

function textOf(components: ReturnType<Multiaddr['getComponents']>): string {
  return components
    .map(({ name, value }) => (value === undefined ? `/${name}` : `/${name}/${value}`))
    .join('')
}
