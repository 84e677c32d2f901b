import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { SwarmOptionsError } from '../errors.ts'
import { AccessList } from './access-list.ts'

/** Options of {@link createGater}. Entries are peer ids, IP addresses and CIDRs. */
export interface GaterOptions {
  /**
   * Let in, and kept a place for: when the swarm is full, one of these takes the place of the least
   * valuable connection of somebody else, and trimming spares it. Default: nobody.
   */
  readonly allow?: readonly string[]
  /** Neither dialled nor let in, also when `allow` names them. Default: nobody. */
  readonly deny?: readonly string[]
  /**
   * What becomes of those that neither list names.
   *
   * @default 'allow'
   */
  readonly others?: 'allow' | 'deny'
  /** libp2p's own hooks, asked where the lists have no objection. Default: none. */
  readonly hooks?: ConnectionGater
}

/** A gater that can tell whom a place is kept for. */
export interface PrivilegeGater extends ConnectionGater {
  /** Whether anybody is on the allow list. */
  readonly hasAllowList: boolean
  /** Whether this peer, connected from this address, is on the allow list and not denied. */
  isAllowListed(peer: PeerId, address?: Multiaddr): boolean
}

/**
 * A `connectionGater` from lists: `createGater({ deny: ['203.0.113.0/24'], allow: [peerId] })`.
 * A denied address is refused before its upgrade, a denied peer as soon as it has proven who it is.
 * The address of a relayed connection is that of its relay: it can deny, and never allows.
 *
 * @throws SwarmOptionsError (`ERR_SWARM_OPTIONS`) naming the entry that is no peer id, address or CIDR
 */
export function createGater(options: GaterOptions): PrivilegeGater {
  return new ListGater(options)
}

class ListGater implements PrivilegeGater {
  readonly #allow: AccessList
  readonly #deny: AccessList
  readonly #strict: boolean
  readonly #hooks: ConnectionGater

  constructor({ allow = [], deny = [], others = 'allow', hooks = {} }: GaterOptions) {
    if (others !== 'allow' && others !== 'deny') {
      throw new SwarmOptionsError(`others is ${String(others)}; it must be "allow" or "deny"`)
    }
    this.#allow = new AccessList(allow)
    this.#deny = new AccessList(deny)
    this.#strict = others === 'deny'
    this.#hooks = hooks
    if (hooks.filterMultiaddrForPeer !== undefined) {
      this.filterMultiaddrForPeer = hooks.filterMultiaddrForPeer.bind(hooks)
    }
  }

  readonly filterMultiaddrForPeer?: NonNullable<ConnectionGater['filterMultiaddrForPeer']>

  get hasAllowList(): boolean {
    return !this.#allow.empty
  }

  isAllowListed(peer: PeerId, address?: Multiaddr): boolean {
    if (this.#deny.hasPeer(peer)) return false
    if (address !== undefined && this.#deny.hasAddress(address)) return false
    return this.#allow.hasPeer(peer) || (address !== undefined && this.#allowsAddress(address))
  }

  async denyDialPeer(peer: PeerId): Promise<boolean> {
    if (this.#deny.hasPeer(peer)) return true
    // With ranges on the list the address decides.
    if (this.#strict && !this.#allow.hasPeer(peer) && !this.#allow.namesRanges) return true
    return (await this.#hooks.denyDialPeer?.(peer)) ?? false
  }

  async denyDialMultiaddr(address: Multiaddr): Promise<boolean> {
    if (this.#deny.hasAddress(address)) return true
    // With peers on the list the peer decides, once it has proven who it is.
    if (this.#strict && !this.#allow.namesPeers && !this.#allowsAddress(address)) return true
    return (await this.#hooks.denyDialMultiaddr?.(address)) ?? false
  }

  async denyInboundConnection(conn: MultiaddrConnection): Promise<boolean> {
    const { remoteAddr } = conn
    if (this.#deny.hasAddress(remoteAddr)) return true
    if (this.#strict && !this.#allow.namesPeers && !this.#allowsAddress(remoteAddr)) return true
    return (await this.#hooks.denyInboundConnection?.(conn)) ?? false
  }

  async denyOutboundConnection(peer: PeerId, conn: MultiaddrConnection): Promise<boolean> {
    if (this.#refuses(peer, conn)) return true
    return (await this.#hooks.denyOutboundConnection?.(peer, conn)) ?? false
  }

  async denyInboundEncryptedConnection(peer: PeerId, conn: MultiaddrConnection): Promise<boolean> {
    if (this.#refuses(peer, conn)) return true
    return (await this.#hooks.denyInboundEncryptedConnection?.(peer, conn)) ?? false
  }

  async denyOutboundEncryptedConnection(peer: PeerId, conn: MultiaddrConnection): Promise<boolean> {
    if (this.#refuses(peer, conn)) return true
    return (await this.#hooks.denyOutboundEncryptedConnection?.(peer, conn)) ?? false
  }

  async denyInboundUpgradedConnection(peer: PeerId, conn: MultiaddrConnection): Promise<boolean> {
    return (await this.#hooks.denyInboundUpgradedConnection?.(peer, conn)) ?? false
  }

  async denyOutboundUpgradedConnection(peer: PeerId, conn: MultiaddrConnection): Promise<boolean> {
    return (await this.#hooks.denyOutboundUpgradedConnection?.(peer, conn)) ?? false
  }

  async denyInboundRelayReservation(source: PeerId): Promise<boolean> {
    if (this.#deny.hasPeer(source)) return true
    return (await this.#hooks.denyInboundRelayReservation?.(source)) ?? false
  }

  async denyOutboundRelayedConnection(source: PeerId, destination: PeerId): Promise<boolean> {
    if (this.#deny.hasPeer(source) || this.#deny.hasPeer(destination)) return true
    return (await this.#hooks.denyOutboundRelayedConnection?.(source, destination)) ?? false
  }

  async denyInboundRelayedConnection(relay: PeerId, remote: PeerId): Promise<boolean> {
    if (this.#deny.hasPeer(relay) || this.#deny.hasPeer(remote)) return true
    return (await this.#hooks.denyInboundRelayedConnection?.(relay, remote)) ?? false
  }

  #refuses(peer: PeerId, { remoteAddr }: MultiaddrConnection): boolean {
    if (this.#deny.hasPeer(peer) || this.#deny.hasAddress(remoteAddr)) return true
    return this.#strict && !this.#allow.hasPeer(peer) && !this.#allowsAddress(remoteAddr)
  }

  #allowsAddress(address: Multiaddr): boolean {
    const relayed = address.getComponents().some(({ name }) => name === 'p2p-circuit')
    return !relayed && this.#allow.hasAddress(address)
  }
}
