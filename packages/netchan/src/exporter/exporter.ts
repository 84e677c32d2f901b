import type { AbortOptions } from '@libp2p/interface'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { deadline, waitFor } from '@warren/utils'
import { PORT } from '../channel/channel-port.ts'
import type { Receiver, Sender } from '../channel/channel-types.ts'
import { DEFAULTS } from '../defaults.ts'
import type { Direction } from '../directions.ts'
import { ErrorFeed } from '../error-feed.ts'
import { HangupError, NetchanClosedError, NetchanOptionError } from '../errors.ts'
import { Events } from '../events.ts'
import { LinkDriver } from '../link-driver.ts'
import { type LinkSource, asFrameLink } from '../links/as-frame-link.ts'
import { checkName, checkNumber } from '../names.ts'
import { CODE } from '../protocol/codes.ts'
import { Waiters, type WaitOptions } from '../waiters.ts'
import type { CallFunction } from './call-handler.ts'
import { ExportTable } from './export-table.ts'
import type { Exported } from './exported.ts'
import {
  type ExportContext,
  exportedHandler,
  receivedChannel,
  sentChannel
} from './make-exported.ts'
import type {
  BindingInfo,
  ExportOptions,
  ExportStats,
  Exporter,
  ExporterEvents,
  ExporterOptions,
  HandleOptions
} from './exporter-types.ts'

/** Largest `maxValueBytes`. */
const LARGEST_VALUE = 16_777_216

/**
 * Makes an exporter: see {@link Exporter}.
 *
 * @throws code `ERR_NETCHAN_OPTION`
 */
export function createExporter(options: ExporterOptions = {}): Exporter {
  return new NetchanExporter(options)
}

const MAKERS = { send: sentChannel, recv: receivedChannel } as const

/** Directions as the exporter sees them, by the kind that importers ask for. */
const DIRECTIONS = { recv: 'send', send: 'recv', call: 'call' } as const

class NetchanExporter implements Exporter {
  readonly errors: ErrorFeed
  readonly #options: Required<ExporterOptions>
  readonly #table: ExportTable
  readonly #context: ExportContext
  readonly #events: Events<ExporterEvents>
  readonly #waiters = new Waiters()
  readonly #drivers = new Set<LinkDriver>()
  /** What ends the channel of each name. */
  readonly #closers = new Map<string, (error?: Error) => void>()
  readonly #abort = new AbortController()
  #closed: Promise<void> | undefined

  constructor(options: ExporterOptions) {
    const all = { ...DEFAULTS, ...options }
    this.#options = {
      maxValueBytes: checkNumber('maxValueBytes', all.maxValueBytes, 1, LARGEST_VALUE),
      maxBindings: checkNumber('maxBindings', all.maxBindings, 1, 1_048_576),
      maxReservedBytes: checkNumber('maxReservedBytes', all.maxReservedBytes, 1, 2 ** 40),
      creditDelay: checkNumber('creditDelay', all.creditDelay, 0, 1_000),
      helloTimeout: checkNumber('helloTimeout', all.helloTimeout, 1, 3_600_000),
      closeTimeout: checkNumber('closeTimeout', all.closeTimeout, 0, 3_600_000),
      maxErrors: checkNumber('maxErrors', all.maxErrors, 1, 65_536)
    }
    this.errors = new ErrorFeed(this.#options.maxErrors)
    this.#context = {
      maxValueBytes: this.#options.maxValueBytes,
      report: error => this.errors.add(error),
      onProgress: () => this.#waiters.progress()
    }
    this.#events = new Events(error => this.errors.add(error))
    this.#table = new ExportTable(this.#options.maxReservedBytes, {
      onBound: (name, kind, peer) => this.#events.emit('bound', infoOf(name, kind, peer)),
      onUnbound: (name, kind, peer, how) => {
        this.#events.emit('unbound', { ...infoOf(name, kind, peer), ...how })
        this.#waiters.progress()
      }
    })
  }

  export(
    name: string,
    channel: Receiver<unknown> | Sender<never>,
    direction: Direction,
    options: ExportOptions = {}
  ): void {
    this.#checkOpen()
    checkName(name)
    const make = MAKERS[direction] as (typeof MAKERS)[Direction] | undefined
    if (make === undefined) {
      throw new NetchanOptionError(`unknown channel direction: ${String(direction)}`)
    }
    this.#table.add(name, make(name, channel[PORT], options, this.#context))
    this.#closers.set(name, error => channel.close(error))
  }

  handle<Q extends StandardSchemaV1, R extends StandardSchemaV1>(
    name: string,
    options: HandleOptions<Q, R>,
    handler: CallFunction
  ): void {
    this.#checkOpen()
    checkName(name)
    if (typeof handler !== 'function') throw new NetchanOptionError('a handler is a function')
    this.#table.add(name, exportedHandler(name, handler, options, this.#context))
  }

  hangup(name: string): void {
    const { dropped } = this.#table.remove(name, {
      code: CODE.hangup,
      message: `channel ${name} was taken back`
    })
    const close = this.#closers.get(name)
    this.#closers.delete(name)
    if (dropped > 0) {
      this.errors.add(
        new HangupError(`channel ${name}: ${dropped} values had come and were not received`)
      )
    }
    close?.()
  }

  async serve(listener: AsyncIterable<LinkSource>, { signal }: AbortOptions = {}) {
    signal?.throwIfAborted()
    const links = listener[Symbol.asyncIterator]()
    const end = new AbortController()
    const stop = (): void => end.abort(signal?.aborted === true ? signal.reason : undefined)
    signal?.addEventListener('abort', stop)
    this.#abort.signal.addEventListener('abort', stop)
    if (this.#abort.signal.aborted) stop()
    try {
      for (;;) {
        const next = links.next()
        const { value, done } = await waitFor(next, end.signal).catch((error: unknown) => {
          // One that comes too late is sent away.
          void next.then(
            late => (late.done === true ? undefined : this.serveConn(late.value)),
            () => {}
          )
          throw error
        })
        if (done === true) break
        // Only what is no link at all rejects; the failures of links are in the error feed.
        this.serveConn(value).catch((error: unknown) => this.errors.add(error as Error))
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#abort.signal.removeEventListener('abort', stop)
      // Not awaited: an iterator in the middle of a step answers after that step.
      void links.return?.().catch(() => {})
    }
  }

  async serveConn(source: LinkSource): Promise<void> {
    const link = asFrameLink(source)
    if (this.#closed !== undefined) {
      await link.close(new NetchanClosedError('the exporter is closed'))
      return
    }
    const driver = new LinkDriver({
      link,
      core: {
        role: 'exporter',
        maxValueBytes: this.#options.maxValueBytes,
        maxBindings: this.#options.maxBindings,
        creditDelay: this.#options.creditDelay,
        helloTimeout: this.#options.helloTimeout
      },
      closeTimeout: this.#options.closeTimeout,
      onOpen: () => {},
      onBind: (binding, request) => this.#table.bind(driver.core, link.peer, binding, request),
      onFault: error => this.errors.add(error)
    })
    this.#drivers.add(driver)
    const error = await driver.closed
    this.#drivers.delete(driver)
    if (error !== undefined && this.#closed === undefined) this.errors.add(error)
    this.#waiters.progress()
  }

  async drain(options?: WaitOptions): Promise<void> {
    const pending = () => this.#all().filter(([, exported]) => exported.pending > 0)
    await this.#waiters.until(
      () => pending().length === 0,
      () =>
        `drain: values are pending in ${pending()
          .map(([name, exported]) => `${name} (${exported.pending})`)
          .join(', ')}`,
      options
    )
  }

  async sync(options?: WaitOptions): Promise<void> {
    const marks = this.#all().map(([name, exported]) => ({ name, exported, mark: exported.mark }))
    const missing = () => marks.filter(({ exported, mark }) => !exported.isTaken(mark))
    await this.#waiters.until(
      () => missing().length === 0,
      () =>
        `sync: not everything was taken from ${missing()
          .map(({ name }) => name)
          .join(', ')}`,
      options
    )
  }

  on<E extends keyof ExporterEvents>(event: E, listener: ExporterEvents[E]): () => void {
    return this.#events.on(event, listener)
  }

  stats(): Record<string, ExportStats> {
    return Object.fromEntries(
      this.#all().map(([name, { pending, redelivered, dropped }]) => [
        name,
        { pending, redelivered, dropped }
      ])
    )
  }

  debug() {
    return { links: this.#drivers.size, ...this.#table.debug(), errors: this.errors.length }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  abort(error: Error = new NetchanClosedError('the exporter was aborted')): void {
    this.#closed ??= Promise.resolve()
    this.#end()
    for (const driver of this.#drivers) driver.abort(error)
    this.#closeChannels(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#end()
    const limit = deadline(this.#options.closeTimeout, () => new NetchanClosedError('closing'))
    for (const close of this.#closers.values()) close()
    const isUsed = (): boolean => this.#table.debug().bound > 0
    try {
      // Each importer is served to the end of what was sent; those that only send are told to stop.
      for (const [name, exported] of this.#all()) {
        if (exported.kind === 'send') exported.stop(closing(name))
      }
      if (isUsed()) await this.#waiters.until(() => !isUsed(), String, { signal: limit.signal })
    } catch {
      // The time is over: what was not taken is lost, and the importers are told so.
    }
    limit.clear()
    for (const [name, exported] of this.#all()) exported.stop(closing(name))
    await Promise.all(Array.from(this.#drivers, driver => driver.close()))
    this.errors.close()
  }

  #end(): void {
    this.#table.isClosing = true
    this.#abort.abort()
  }

  #closeChannels(error: Error): void {
    for (const close of this.#closers.values()) close(error)
    this.#closers.clear()
    this.errors.close()
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new NetchanClosedError('the exporter is closed')
  }

  #all(): [name: string, exported: Exported][] {
    return [...this.#table.all()]
  }
}

function infoOf(name: string, kind: Exported['kind'], peer: string): BindingInfo {
  return { name, direction: DIRECTIONS[kind], peer }
}

function closing(name: string) {
  return { code: CODE.closing, message: `the exporter of ${name} is closing` }
}
