import type { Socket } from 'node:net'
import type { SlotRequest, UpgradeSlot } from '@warren/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ConnectionLostError } from './errors.ts'

/** What a {@link WaitingRoom} is made of. */
export interface WaitingRoomInit {
  /** Sockets that may wait at once. */
  readonly limit: number
  /** Milliseconds after which a socket gives its place to a new one when the room is full. */
  readonly waitTimeout: number
  /** Asks the upgrader. */
  readonly slot: (request: SlotRequest) => Promise<UpgradeSlot>
  /** Milliseconds between two looks at who is still there. */
  readonly probeInterval?: number
}

interface Waiter {
  readonly socket: Socket
  readonly since: number
  readonly controller: AbortController
}

const PROBE_INTERVAL = 1_000
const EMPTY = new Uint8Array(0)

/**
 * Sockets that were accepted and wait unread until the upgrader has a slot for them.
 *
 * Nothing is read from a waiting socket, so what its peer sends fills the kernel's buffers and
 * holds it back. The price is that the kernel tells nothing either: neither FIN nor RST of an unread
 * socket reaches Node. An empty write does find out about RST (and about a closed unix peer), so
 * each waiter gets one from time to time; a peer that has sent FIN is noticed when its turn comes.
 */
export class WaitingRoom {
  readonly #limit: number
  readonly #waitTimeout: number
  readonly #slot: WaitingRoomInit['slot']
  readonly #probeInterval: number
  /** In the order they came. */
  readonly #waiters = new Set<Waiter>()
  #probe: NodeJS.Timeout | undefined

  constructor(init: WaitingRoomInit) {
    this.#limit = init.limit
    this.#waitTimeout = init.waitTimeout
    this.#slot = init.slot
    this.#probeInterval = init.probeInterval ?? PROBE_INTERVAL
  }

  get size(): number {
    return this.#waiters.size
  }

  /** Is there room for one more? Where only stale waiters take it up, the oldest is sent away. */
  hasRoom(): boolean {
    if (this.#waiters.size < this.#limit) return true
    const [oldest] = this.#waiters
    if (oldest === undefined || performance.now() - oldest.since < this.#waitTimeout) return false
    this.#leave(
      oldest,
      new ConnectionLostError(
        `waited ${this.#waitTimeout} ms for an upgrade and gave its place to a newer socket`
      )
    )
    oldest.socket.destroy()
    return true
  }

  /**
   * Waits for a slot for `socket`.
   *
   * @throws the upgrader's refusal, or the reason for which the wait ended: the socket died
   * (ConnectionLostError) or the listener closes
   */
  async wait(socket: Socket, remoteAddr: Multiaddr): Promise<UpgradeSlot> {
    const waiter: Waiter = { socket, since: performance.now(), controller: new AbortController() }
    const onClose = (): void => {
      this.#leave(
        waiter,
        new ConnectionLostError(`${remoteAddr.toString()} hung up while it waited for an upgrade`)
      )
    }
    socket.once('close', onClose)
    this.#waiters.add(waiter)
    this.#probe ??= setInterval(() => this.#probeAll(), this.#probeInterval).unref()
    const { signal } = waiter.controller
    try {
      const slot = await this.#slot({ remoteAddr, signal })
      // The upgrader may have granted it in the very turn in which the wait ended.
      if (!signal.aborted) return slot
      slot.release()
      throw signal.reason as Error
    } finally {
      socket.off('close', onClose)
      this.#forget(waiter)
    }
  }

  /** Sends everybody away. */
  close(reason: Error): void {
    for (const waiter of this.#waiters) {
      this.#leave(waiter, reason)
      waiter.socket.destroy()
    }
  }

  #leave(waiter: Waiter, reason: Error): void {
    this.#forget(waiter)
    waiter.controller.abort(reason)
  }

  #forget(waiter: Waiter): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    clearInterval(this.#probe)
    this.#probe = undefined
  }

  #probeAll(): void {
    for (const { socket } of this.#waiters) socket.write(EMPTY)
  }
}
