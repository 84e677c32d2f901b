import type { PeerId } from '@libp2p/interface'
import type {
  AddressManager as AddressManagerInterface,
  ConfirmAddressOptions,
  NodeAddress
} from '@libp2p/interface-internal'
import { isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { withoutPeer, withPeer } from './dial/dial-target.ts'
import { AddressMappings } from './address-mappings.ts'

/** What an {@link AddressManager} works with. */
export interface AddressManagerContext {
  readonly peerId: PeerId
  /** What the options ask to listen on. */
  readonly listen: readonly Multiaddr[]
  /** What the options say to announce instead of what is listened on. */
  readonly announce: readonly Multiaddr[]
  /** Where transports listen now, without `/p2p`. */
  transportAddrs(): Multiaddr[]
  /** The addresses to announce may have changed. */
  changed(): void
}

/** Addresses that peers say they see us at, kept at most. */
const MAX_OBSERVED = 32
/** Milliseconds that a confirmation holds. */
const CONFIRMED_FOR = 600_000

interface Observed {
  readonly multiaddr: Multiaddr
  confirmed: boolean
  lastVerified: number | undefined
  expires: number
}

/** Where this swarm can be reached: listened on, announced, seen by peers, or mapped by a router. */
export class AddressManager implements AddressManagerInterface {
  readonly [Symbol.toStringTag] = '@warren/swarm/address-manager'
  readonly #context: AddressManagerContext
  readonly #mappings = new AddressMappings()
  /** Oldest first. */
  readonly #observed = new Map<string, Observed>()

  constructor(context: AddressManagerContext) {
    this.#context = context
  }

  getListenAddrs(): Multiaddr[] {
    return [...this.#context.listen]
  }

  getAnnounceAddrs(): Multiaddr[] {
    return [...this.#context.announce]
  }

  getObservedAddrs(): Multiaddr[] {
    return [...this.#observed.values()].map(each => each.multiaddr)
  }

  /** Every address that may be shared with peers, each with `/p2p` and our id. */
  getAddresses(): Multiaddr[] {
    const seen = new Map<string, Multiaddr>()
    for (const { multiaddr: address, verified } of this.getAddressesWithMetadata()) {
      const whole = withPeer(address, this.#context.peerId)
      if (verified) seen.set(whole.toString(), whole)
    }
    return [...seen.values()]
  }

  getAddressesWithMetadata(): NodeAddress[] {
    const { announce } = this.#context
    const fixed = { verified: true, expires: Number.POSITIVE_INFINITY }
    if (announce.length > 0) {
      return announce.map(address => ({ multiaddr: address, type: 'announce', ...fixed }))
    }
    const transport = this.#context.transportAddrs()
    const mapped = this.#mappings.of(transport)
    return [
      ...transport.map<NodeAddress>(each => ({ multiaddr: each, type: 'transport', ...fixed })),
      ...mapped.map<NodeAddress>(each => ({ ...each, ...this.#verdictOn(each.multiaddr) })),
      ...[...this.#observed.values()]
        .filter(({ multiaddr: seen }) => !mapped.some(each => each.multiaddr.equals(seen)))
        .map<NodeAddress>(each => ({
          multiaddr: each.multiaddr,
          type: 'observed',
          ...this.#verdictOn(each.multiaddr)
        }))
    ]
  }

  addObservedAddr(address: Multiaddr): void {
    const place = this.#placeOf(address)
    const key = place.toString()
    // Nobody from elsewhere could be told of a private address, and autonat does not ask about it.
    if (isPrivate(place) || this.#observed.has(key) || this.#isListenedOn(place)) return
    if (this.#observed.size >= MAX_OBSERVED && !this.#dropUnconfirmed()) return
    this.#observed.set(key, {
      multiaddr: place,
      confirmed: false,
      lastVerified: undefined,
      expires: 0
    })
  }

  /** An observed or mapped address was found to be dialable: it is announced from now on. */
  confirmObservedAddr(address: Multiaddr, options: ConfirmAddressOptions = {}): void {
    const place = this.#placeOf(address)
    if (this.#isListenedOn(place)) return
    const now = Date.now()
    const before = this.#observed.get(place.toString())
    this.#observed.set(place.toString(), {
      multiaddr: place,
      confirmed: true,
      lastVerified: now,
      expires: now + (options.ttl ?? CONFIRMED_FOR)
    })
    if (before?.confirmed !== true) this.#context.changed()
  }

  removeObservedAddr(address: Multiaddr): void {
    const key = this.#placeOf(address).toString()
    const before = this.#observed.get(key)
    this.#observed.delete(key)
    if (before?.confirmed === true) this.#context.changed()
  }

  addDNSMapping(domain: string, ipAddresses: string[]): void {
    this.#mappings.addDomain(domain, ipAddresses)
    this.#context.changed()
  }

  removeDNSMapping(domain: string): void {
    this.#mappings.removeDomain(domain)
    this.#context.changed()
  }

  addPublicAddressMapping(
    internalIp: string,
    internalPort: number,
    externalIp: string,
    externalPort: number = internalPort,
    protocol: 'tcp' | 'udp' = 'tcp'
  ): void {
    this.#mappings.addPublic({ internalIp, internalPort, externalIp, externalPort, protocol })
    // The router said so itself: no peer has to confirm it.
    this.confirmObservedAddr(
      multiaddr(`/ip${externalIp.includes(':') ? 6 : 4}/${externalIp}/${protocol}/${externalPort}`)
    )
    this.#context.changed()
  }

  removePublicAddressMapping(
    internalIp: string,
    internalPort: number,
    externalIp: string,
    externalPort: number = internalPort,
    protocol: 'tcp' | 'udp' = 'tcp'
  ): void {
    this.#mappings.removePublic({ internalIp, internalPort, externalIp, externalPort, protocol })
    this.removeObservedAddr(
      multiaddr(`/ip${externalIp.includes(':') ? 6 : 4}/${externalIp}/${protocol}/${externalPort}`)
    )
    this.#context.changed()
  }

  /** Makes room at the cost of the oldest claim; what was confirmed is not for peers to displace. */
  #dropUnconfirmed(): boolean {
    for (const [key, { confirmed }] of this.#observed) {
      if (confirmed) continue
      this.#observed.delete(key)
      return true
    }
    return false
  }

  #verdictOn(address: Multiaddr): Pick<NodeAddress, 'verified' | 'expires' | 'lastVerified'> {
    const observed = this.#observed.get(address.toString())
    if (observed === undefined) return { verified: false, expires: 0 }
    const { confirmed, expires, lastVerified } = observed
    return { verified: confirmed, expires, ...(lastVerified === undefined ? {} : { lastVerified }) }
  }

  #placeOf(address: Multiaddr): Multiaddr {
    return withoutPeer(address)
  }

  #isListenedOn(place: Multiaddr): boolean {
    return this.#context.transportAddrs().some(own => own.equals(place))
  }
}
