import type {
  ClearableSignal,
  Connection,
  ConnectionEncrypter,
  MultiaddrConnection,
  StreamMuxerFactory
} from '@libp2p/interface'
import type { SlotRequest, UpgradeSlot } from '@warren/interface'
import { deadline } from '@warren/utils'
import { BoundedAcceptQueue } from './accept/bounded-accept-queue.ts'
import { AcceptQueueClosedError, ConnectionEndedError, UpgradeTimeoutError } from './errors.ts'
import { toError } from './errors.ts'
import type { SlotGroup } from './slots/slot-scheduler.ts'
import type { AcceptQueue, UpgraderView, ViewOptions } from './types.ts'
import type { UpgradeOptions } from './upgrade/upgrade-context.ts'
import type { UpgraderCore } from './upgrader-core.ts'

/** One listener's face of an upgrader: its accept queue, and its place among the requests for slots. */
export class View implements UpgraderView {
  readonly #core: UpgraderCore
  readonly #queue: BoundedAcceptQueue
  readonly #group: SlotGroup
  readonly #upgrades = new Set<Promise<unknown>>()
  /** Cuts off upgrades that outlive the closing of the view. */
  readonly #cutOff = new AbortController()
  /** Ends the waits for a slot when the view closes. */
  readonly #waits = new Set<(error: Error) => void>()

  constructor(core: UpgraderCore, options: Required<ViewOptions>) {
    this.#core = core
    this.#group = core.scheduler.createGroup()
    this.#queue = new BoundedAcceptQueue({
      ...options,
      onRoom: room => core.scheduler.setOpen(this.#group, room),
      upgrading: () => this.#upgrades.size,
      endUpgrades: async () => this.#endUpgrades()
    })
    core.views.add(this)
  }

  get [Symbol.toStringTag](): string {
    return '@warren/upgrader'
  }

  get queue(): AcceptQueue {
    return this.#queue
  }

  async slot(request: SlotRequest): Promise<UpgradeSlot> {
    request.signal?.throwIfAborted()
    return this.#slot(request)
  }

  async upgradeInbound(maConn: MultiaddrConnection, options: UpgradeOptions): Promise<void> {
    let slot = options.slot
    try {
      options.signal.throwIfAborted()
      if (this.#queue.closed) throw new AcceptQueueClosedError()
      slot ??= await this.#waitForSlot(maConn, options.signal)
      if (this.#queue.closed) throw new AcceptQueueClosedError()
    } catch (error) {
      slot?.release()
      maConn.abort(toError(error))
      throw error
    }
    const upgrade = this.#upgradeInbound(maConn, options, slot)
    this.#upgrades.add(upgrade)
    try {
      await upgrade
    } finally {
      this.#upgrades.delete(upgrade)
    }
  }

  async upgradeOutbound(maConn: MultiaddrConnection, options: UpgradeOptions): Promise<Connection> {
    return this.#core.upgradeOutbound(maConn, options)
  }

  createInboundAbortSignal(signal: AbortSignal): ClearableSignal {
    const { upgradeTimeout } = this.#core.context.options
    const limit = deadline(
      upgradeTimeout,
      () => new UpgradeTimeoutError(`the upgrade took longer than ${upgradeTimeout} ms`),
      signal
    )
    return Object.assign(limit.signal, { clear: () => limit.clear() })
  }

  getStreamMuxers(): Map<string, StreamMuxerFactory> {
    return this.#core.muxers
  }

  getConnectionEncrypters(): Map<string, ConnectionEncrypter> {
    return this.#core.encrypters
  }

  async close(): Promise<void> {
    await this.#queue.close()
    this.#core.forget(this)
  }

  #slot(request: SlotRequest): UpgradeSlot | Promise<UpgradeSlot> {
    if (this.#queue.closed) throw new AcceptQueueClosedError()
    return this.#core.slot(this.#group, request, this.#waits)
  }

  /** Takes a slot for a conn whose listener knows of none; the conn is paused while it waits. */
  async #waitForSlot(maConn: MultiaddrConnection, signal: AbortSignal): Promise<UpgradeSlot> {
    const ended = new AbortController()
    const onClose = (): void => ended.abort(new ConnectionEndedError('the connection has ended'))
    const onAbort = (): void => ended.abort(signal.reason)
    const slot = this.#slot({ remoteAddr: maConn.remoteAddr, signal: ended.signal })
    if (!(slot instanceof Promise)) return slot
    maConn.addEventListener('close', onClose)
    signal.addEventListener('abort', onAbort)
    try {
      maConn.pause()
      return await slot
    } finally {
      maConn.removeEventListener('close', onClose)
      signal.removeEventListener('abort', onAbort)
      if (maConn.status === 'open') maConn.resume()
    }
  }

  async #upgradeInbound(
    maConn: MultiaddrConnection,
    options: UpgradeOptions,
    slot: UpgradeSlot
  ): Promise<void> {
    try {
      this.#queue.push(await this.#core.upgradeInbound(maConn, options, this.#cutOff.signal))
    } finally {
      slot.release()
    }
  }

  async #endUpgrades(): Promise<void> {
    for (const end of this.#waits) end(new AcceptQueueClosedError())
    const timer = setTimeout(
      () => this.#cutOff.abort(new AcceptQueueClosedError('the listener is closing')),
      this.#core.context.options.closeTimeout
    )
    await Promise.allSettled(this.#upgrades)
    clearTimeout(timer)
  }
}
