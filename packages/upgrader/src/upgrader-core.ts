import type {
  ConnectionEncrypter,
  MultiaddrConnection,
  StreamMuxerFactory
} from '@libp2p/interface'
import type { SlotRequest, UpgradeSlot } from '@warren/interface'
import type { CapableConnection } from './connection.ts'
import { UpgradeRefusedError } from './errors.ts'
import type { RefusalReason } from './errors.ts'
import { resolveOptions } from './options.ts'
import { SlotScheduler } from './slots/slot-scheduler.ts'
import type { SlotGroup } from './slots/slot-scheduler.ts'
import { sourceKey } from './slots/source-key.ts'
import { SourceTable } from './slots/source-table.ts'
import { UpgradeCounters } from './stats.ts'
import type { UpgraderComponents, UpgraderInit, UpgraderStats, UpgraderView } from './types.ts'
import { upgrade } from './upgrade/upgrade.ts'
import type { UpgradeContext, UpgradeOptions } from './upgrade/upgrade-context.ts'

/** What the views of one upgrader share: slots, sources, counters and the upgrade itself. */
export class UpgraderCore {
  readonly context: UpgradeContext
  readonly encrypters: Map<string, ConnectionEncrypter>
  readonly muxers: Map<string, StreamMuxerFactory>
  readonly scheduler: SlotScheduler
  readonly views = new Set<UpgraderView>()
  readonly #sources: SourceTable
  readonly #counters = new UpgradeCounters()
  /** Connections dropped by views that are gone. */
  #dropped = 0

  constructor(components: UpgraderComponents, init: UpgraderInit) {
    const options = resolveOptions(init)
    this.encrypters = new Map(init.connectionEncrypters.map(each => [each.protocol, each]))
    this.muxers = new Map(init.streamMuxers.map(each => [each.protocol, each]))
    this.scheduler = new SlotScheduler(options)
    this.#sources = new SourceTable(options)
    const prefix = crypto.randomUUID().slice(0, 8)
    let connections = 0
    this.context = {
      components,
      options,
      encrypters: this.encrypters,
      muxers: this.muxers,
      counters: this.#counters,
      log: components.logger.forComponent('warren:upgrader'),
      nextId: () => `${prefix}-${(++connections).toString(36)}`
    }
  }

  /**
   * A slot at once, or a promise of one when it has to be waited for; `waits` then holds how to end
   * the wait until it is over.
   */
  slot(
    group: SlotGroup,
    { remoteAddr, signal }: SlotRequest,
    waits: Set<(error: Error) => void>
  ): UpgradeSlot | Promise<UpgradeSlot> {
    const key = sourceKey(remoteAddr)
    const now = performance.now()
    const source = this.#sources.find(key, now)
    const over = this.#sources.admit(source, now)
    if (over !== undefined) throw this.#refuse(over)

    const { promise, resolve, reject } = Promise.withResolvers<UpgradeSlot>()
    let granted: UpgradeSlot | undefined
    const done = (): void => {
      waits.delete(end)
      signal?.removeEventListener('abort', onAbort)
    }
    const cancel = this.scheduler.request(group, source, slot => {
      granted = slot
      done()
      resolve(slot)
    })
    if (granted !== undefined) return granted
    if (this.scheduler.waiting > this.context.options.maxWaitingUpgrades) {
      cancel()
      throw this.#refuse('waiting')
    }
    function end(error: Error): void {
      if (!cancel()) return
      done()
      reject(error)
    }
    function onAbort(): void {
      end(signal?.reason as Error)
    }
    waits.add(end)
    signal?.addEventListener('abort', onAbort)
    return promise
  }

  async upgradeInbound(
    maConn: MultiaddrConnection,
    options: UpgradeOptions,
    closing: AbortSignal
  ): Promise<CapableConnection> {
    const onViolation = (): void =>
      this.#sources.punish(sourceKey(maConn.remoteAddr), performance.now())
    return upgrade(this.context, maConn, 'inbound', options, { closing, onViolation })
  }

  async upgradeOutbound(
    maConn: MultiaddrConnection,
    options: UpgradeOptions
  ): Promise<CapableConnection> {
    if (options.initiator !== false) return upgrade(this.context, maConn, 'outbound', options)
    // The muxer takes its role from the conn: both ends of a simultaneous open must not be clients.
    Reflect.set(maConn, 'direction', 'inbound')
    return upgrade(this.context, maConn, 'inbound', options)
  }

  /** Forgets a view that has closed. */
  forget(view: UpgraderView): void {
    if (this.views.delete(view)) this.#dropped += view.queue.dropped
  }

  stats(): UpgraderStats {
    let queued = 0
    let dropped = this.#dropped
    for (const { queue } of this.views) {
      queued += queue.length
      dropped += queue.dropped
    }
    return this.#counters.snapshot({
      waiting: this.scheduler.waiting,
      slots: this.scheduler.active,
      queued,
      dropped,
      sources: this.#sources.size
    })
  }

  #refuse(reason: RefusalReason): UpgradeRefusedError {
    this.#counters.refused[reason]++
    return new UpgradeRefusedError(reason, REFUSALS[reason])
  }
}

const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  rate: 'too many connections from this source: it must wait before the next one',
  penalty: 'this source broke the protocol too often and is shut out for a while',
  waiting: 'too many connections wait for their upgrade: try again later'
}
