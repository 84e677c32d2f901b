import type { Upgrader, UpgraderOptions } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Permission to start one inbound upgrade. */
export interface UpgradeSlot {
  /** Gives the slot back. Idempotent; called by whoever asked for it when the upgrade has ended. */
  release(): void
}

/** What a listener tells the upgrader when it asks for a slot. */
export interface SlotRequest {
  /** Where the waiting socket comes from; per-source limits count by it. */
  readonly remoteAddr: Multiaddr
  /** Ends the wait: the socket died, or the listener closes. */
  readonly signal?: AbortSignal
}

/** Options of `upgradeInbound` for a listener that already holds a slot. */
export interface InboundUpgradeOptions extends UpgraderOptions {
  /** The slot that was granted for this socket. Without one the upgrader takes a slot itself. */
  readonly slot?: UpgradeSlot
}

/**
 * An upgrader that can hold a listener back.
 *
 * A listener accepts sockets paused, asks for a slot, and only then lets bytes flow: so a full
 * accept queue reaches the dialler as TCP back-pressure. Stock libp2p upgraders have no `slot`;
 * a listener must work with both.
 */
export interface SlotGrantingUpgrader extends Upgrader {
  /**
   * Waits until one more inbound upgrade may start.
   *
   * @throws the signal's reason when the wait is aborted; an error with code
   * `ERR_UPGRADE_REFUSED` when this source is over its limit
   */
  slot?(request: SlotRequest): Promise<UpgradeSlot>
}
