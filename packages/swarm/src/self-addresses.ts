import type { Libp2pEvents, Listener, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { SwarmEvents } from './swarm-types.ts'

/** What {@link SelfAddresses} works with. */
export interface SelfAddressesContext {
  readonly self: PeerId
  readonly peerStore: PeerStore
  readonly log: Logger
  readonly events: TypedEventTarget<Libp2pEvents>
  /** Where `listening` and `listenClose` are told. */
  readonly bus: TypedEventTarget<SwarmEvents>
  /** What is announced now. */
  readonly announced: () => Multiaddr[]
}

/**
 * Tells of listened addresses as they come and go, and keeps our own entry in the peer store in
 * step, from which `self:peer:update` and identify push follow.
 */
export class SelfAddresses {
  readonly #context: SelfAddressesContext
  readonly #known = new Map<Listener, Multiaddr[]>()
  /** The last write; the next one waits for it, so that the newest addresses stay. */
  #writing: Promise<void> = Promise.resolve()
  #scheduled = false

  constructor(context: SelfAddressesContext) {
    this.#context = context
    const { events } = context
    events.addEventListener('transport:listening', event => this.#onListening(event.detail))
    events.addEventListener('transport:close', event => this.#onClose(event.detail))
  }

  /** The announced addresses may have changed: writes them once per turn. */
  update(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const { self, peerStore, log, announced } = this.#context
    this.#writing = this.#writing.then(async () => {
      this.#scheduled = false
      try {
        await peerStore.patch(self, { multiaddrs: announced() })
      } catch (error) {
        log.error('could not keep our own addresses - %e', error)
      }
    })
  }

  /** Resolves when what was to be written is. */
  async settled(): Promise<void> {
    await this.#writing
  }

  #onListening(listener: Listener): void {
    const before = this.#known.get(listener) ?? []
    const addresses = listener.getAddrs()
    this.#known.set(listener, addresses)
    for (const address of addresses) {
      if (before.some(known => known.equals(address))) continue
      this.#context.bus.safeDispatchEvent('listening', { detail: address })
    }
    this.update()
  }

  #onClose(listener: Listener): void {
    const addresses = this.#known.get(listener) ?? []
    this.#known.delete(listener)
    for (const address of addresses) {
      this.#context.bus.safeDispatchEvent('listenClose', { detail: address })
    }
    this.update()
  }
}
