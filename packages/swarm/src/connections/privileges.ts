import type { ConnectionGater, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PrivilegeGater } from '../gater/create-gater.ts'

/** Whom a place is kept for: protected peers, and those on the gater's allow list. */
export class Privileges {
  readonly #gater: Partial<PrivilegeGater>
  readonly #protected = new Map<string, Set<string>>()
  readonly #changed: () => void

  constructor(gater: ConnectionGater, changed: () => void) {
    this.#gater = gater
    this.#changed = changed
  }

  /** Whether there is anybody at all. */
  get exist(): boolean {
    return this.#protected.size > 0 || this.#gater.hasAllowList === true
  }

  has(peer: PeerId, address?: Multiaddr): boolean {
    if (this.#protected.has(peer.toString())) return true
    return this.#gater.isAllowListed?.(peer, address) === true
  }

  protect(peer: PeerId, tag: string): void {
    const key = peer.toString()
    const tags = this.#protected.get(key) ?? new Set()
    this.#protected.set(key, tags.add(tag))
    this.#changed()
  }

  unprotect(peer: PeerId, tag: string): void {
    const key = peer.toString()
    const tags = this.#protected.get(key)
    tags?.delete(tag)
    if (tags?.size === 0) this.#protected.delete(key)
    this.#changed()
  }
}
