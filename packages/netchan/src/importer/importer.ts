import type { StandardSchemaV1 } from '@standard-schema/spec'
import { deadline, waitFor } from '@warren/utils'
import { PORT } from '../channel/channel-port.ts'
import type { ChannelPort } from '../channel/channel-port.ts'
import type { Channel, Receiver, Sender } from '../channel/channel-types.ts'
import { compareShapes } from '../codec/compare-shapes.ts'
import { coderOf } from '../coders.ts'
import { DEFAULTS } from '../defaults.ts'
import type { Direction } from '../directions.ts'
import { ErrorFeed } from '../error-feed.ts'
import {
  HangupError,
  NetchanClosedError,
  NetchanOptionError,
  NetchanTimeoutError,
  RemoteError
} from '../errors.ts'
import { LinkDriver } from '../link-driver.ts'
import { type LinkSource, asFrameLink } from '../links/as-frame-link.ts'
import { checkName, checkNumber } from '../names.ts'
import type { Failure } from '../protocol/codes.ts'
import type { Window } from '../protocol/frames.ts'
import { MAX_WINDOW_BYTES, MAX_WINDOW_ITEMS } from '../protocol/limits.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import { Waiters, type WaitOptions } from '../waiters.ts'
import { refusal } from './bind-wait.ts'
import { ImportTable } from './import-table.ts'
import type { Importing } from './import-table.ts'
import type { CallOptions, ImportOptions, Importer, ImporterOptions } from './importer-types.ts'
import { OutgoingCall } from './outgoing-call.ts'

const END_WINDOW: Window = { items: DEFAULTS.endSize, bytes: DEFAULTS.windowBytes }

/**
 * Connects to the exporter at the other end of a link: see {@link Importer}. Resolves once both
 * ends know that they speak the same version.
 *
 * @throws codes `ERR_NETCHAN_VERSION`, `ERR_NETCHAN_LINK_LOST`, `ERR_NETCHAN_TIMEOUT`,
 * `ERR_NETCHAN_OPTION`; what the promise of the link rejects with; the signal's reason
 */
export async function importFrom(
  source: LinkSource | Promise<LinkSource>,
  options: ImporterOptions = {}
): Promise<Importer> {
  const { signal } = options
  signal?.throwIfAborted()
  const link = asFrameLink(await source)
  const importer = new NetchanImporter(link, options)
  try {
    await waitFor(importer.opened, signal)
  } catch (error) {
    importer.abort(error as Error)
    throw error
  }
  return importer
}

class NetchanImporter implements Importer {
  readonly peer: string
  readonly errors: ErrorFeed
  readonly closed: Promise<Error | undefined>
  /** Resolves when the exporter has said hello. */
  readonly opened: Promise<void>
  readonly #options: Required<Omit<ImporterOptions, 'signal'>>
  readonly #driver: LinkDriver
  readonly #table: ImportTable
  readonly #calls = new Set<OutgoingCall>()
  readonly #waiters = new Waiters()
  #closing: Promise<void> | undefined

  constructor(link: ReturnType<typeof asFrameLink>, options: ImporterOptions) {
    const all = { ...DEFAULTS, ...options }
    this.#options = {
      maxValueBytes: checkNumber('maxValueBytes', all.maxValueBytes, 1, MAX_WINDOW_BYTES),
      maxBindings: checkNumber('maxBindings', all.maxBindings, 1, 1_048_576),
      creditDelay: checkNumber('creditDelay', all.creditDelay, 0, 1_000),
      helloTimeout: checkNumber('helloTimeout', all.helloTimeout, 1, 3_600_000),
      bindTimeout: checkNumber('bindTimeout', all.bindTimeout, 1, 3_600_000),
      closeTimeout: checkNumber('closeTimeout', all.closeTimeout, 0, 3_600_000),
      maxErrors: checkNumber('maxErrors', all.maxErrors, 1, 65_536)
    }
    this.peer = link.peer
    this.errors = new ErrorFeed(this.#options.maxErrors)
    let onOpen = (): void => {}
    const open = new Promise<void>(resolve => {
      onOpen = resolve
    })
    this.#driver = new LinkDriver({
      link,
      core: {
        role: 'importer',
        maxValueBytes: this.#options.maxValueBytes,
        maxBindings: this.#options.maxBindings,
        creditDelay: this.#options.creditDelay,
        helloTimeout: this.#options.helloTimeout
      },
      closeTimeout: this.#options.closeTimeout,
      onOpen: () => onOpen(),
      // An importer is asked for nothing: its core ends such a link.
      onBind: () => {},
      onFault: error => this.errors.add(error)
    })
    this.closed = this.#driver.closed
    this.opened = Promise.race([
      open,
      this.closed.then(error => {
        throw error ?? new NetchanClosedError('the exporter has closed the link')
      })
    ])
    // It may well be that nobody waits for it any more.
    this.opened.catch(() => {})
    this.#table = new ImportTable(this.#driver.core, {
      report: error => this.errors.add(error),
      onProgress: () => this.#waiters.progress()
    })
    void this.closed.then(error => {
      if (error !== undefined && this.#closing === undefined) this.errors.add(error)
      this.#waiters.progress()
      this.errors.close()
    })
  }

  async import(
    name: string,
    direction: Direction,
    options: ImportOptions = {}
  ): Promise<Channel<unknown>> {
    const { local } = await this.#import(name, direction, options)
    return local
  }

  async importInto(
    name: string,
    into: Sender<never>,
    options: ImportOptions = {}
  ): Promise<{ readonly ended: Promise<Error | undefined> }> {
    const { ended } = await this.#import(name, 'recv', options, into[PORT])
    return { ended }
  }

  async #import(
    name: string,
    direction: Direction,
    options: ImportOptions,
    into?: ChannelPort
  ): Promise<Importing> {
    const { signal, timeout = this.#options.bindTimeout } = options
    signal?.throwIfAborted()
    this.#checkOpen()
    checkName(name)
    if (direction !== 'recv' && direction !== 'send') {
      throw new NetchanOptionError(`unknown channel direction: ${String(direction)}`)
    }
    const coder = this.#coder(name, options.schema, options.codec)
    const importing = this.#table.import({
      name,
      direction,
      window: this.#window(options),
      into,
      capacity: checkNumber('capacity', options.capacity ?? DEFAULTS.capacity, 0, 1_048_576),
      count:
        options.count === undefined
          ? 0
          : checkNumber('count', options.count, 1, Number.MAX_SAFE_INTEGER),
      coder,
      endCoder: this.#coder(name, undefined, options.codec),
      endWindow: END_WINDOW,
      refused: failure => refusalOf(`import ${name}`, failure, coder)
    })
    const limit = deadline(
      checkNumber('timeout', timeout, 1, 3_600_000),
      () => new NetchanTimeoutError(`import ${name}: the exporter did not answer in time`),
      signal
    )
    try {
      await waitFor(importing.answered, limit.signal)
    } catch (error) {
      if (limit.signal.aborted) importing.giveUp()
      throw error
    } finally {
      limit.clear()
    }
    return importing
  }

  hangup(name: string): void {
    const dropped = this.#table.hangup(name)
    if (dropped > 0) {
      this.errors.add(
        new HangupError(`channel ${name}: ${dropped} values had come and were not received`)
      )
    }
  }

  async call<T>(name: string, request: unknown, options: CallOptions = {}): Promise<T> {
    const { signal } = options
    signal?.throwIfAborted()
    const call = this.#call(name, request, options)
    try {
      const { value, done } = await call.replies.receive(signal === undefined ? {} : { signal })
      if (done === true) throw new RemoteError(`call ${name}: the handler gave no reply`)
      return value as T
    } finally {
      call.replies.close()
    }
  }

  stream<T>(name: string, request: unknown, options: CallOptions = {}): Receiver<T> {
    const { signal } = options
    signal?.throwIfAborted()
    const onAbort = (): void => call.giveUp(signal?.reason as Error)
    const call = this.#call(name, request, options, () =>
      signal?.removeEventListener('abort', onAbort)
    )
    signal?.addEventListener('abort', onAbort)
    return call.replies as Receiver<T>
  }

  async drain(options?: WaitOptions): Promise<void> {
    await this.#waiters.until(
      () => this.#table.pending().length === 0,
      () =>
        `drain: values are pending in ${this.#table
          .pending()
          .map(({ name, values }) => `${name} (${values})`)
          .join(', ')}`,
      options
    )
  }

  async sync(options?: WaitOptions): Promise<void> {
    const marks = this.#table.marks()
    const missing = () => marks.filter(({ isTaken }) => !isTaken())
    await this.#waiters.until(
      () => missing().length === 0,
      () =>
        `sync: not everything was taken from ${missing()
          .map(({ name }) => name)
          .join(', ')}`,
      options
    )
  }

  debug() {
    const { bindings, output } = this.#driver.core.debug()
    return { imports: this.#table.size, bindings, output, errors: this.errors.length }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  abort(error: Error = new NetchanClosedError('the importer was aborted')): void {
    this.#closing ??= Promise.resolve()
    this.#driver.abort(error)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#table.close()
    for (const call of this.#calls) call.giveUp(new NetchanClosedError('the importer is closing'))
    const limit = deadline(this.#options.closeTimeout, () => new NetchanClosedError('closing'))
    try {
      await this.#waiters.until(() => this.#table.pending().length === 0, String, {
        signal: limit.signal
      })
    } catch {
      // The time is over: the exporter may not have taken everything.
    }
    limit.clear()
    await this.#driver.close()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined || this.#driver.isEnded) {
      throw new NetchanClosedError('the importer is closed')
    }
  }

  #call(
    name: string,
    request: unknown,
    options: CallOptions,
    onEnd: () => void = () => {}
  ): OutgoingCall {
    this.#checkOpen()
    checkName(name)
    const requests = this.#coder(name, options.request, options.codec)
    const replies = this.#coder(name, options.reply, options.codec)
    const call = new OutgoingCall(
      {
        name,
        core: this.#driver.core,
        requests,
        replies,
        endCoder: this.#coder(name, undefined, options.codec),
        endWindow: END_WINDOW,
        window: this.#window(options),
        refused: failure => refusalOf(`call ${name}`, failure, requests, replies),
        report: error => this.errors.add(error),
        onEnd: () => {
          this.#calls.delete(call)
          onEnd()
        }
      },
      request
    )
    this.#calls.add(call)
    return call
  }

  #coder(
    name: string,
    schema: StandardSchemaV1 | undefined,
    codec: ImportOptions['codec']
  ): ValueCoder {
    return coderOf({ name, schema, codec, maxValueBytes: this.#options.maxValueBytes })
  }

  #window(options: { readonly size?: number; readonly windowBytes?: number }): Window {
    const { size = DEFAULTS.size, windowBytes = DEFAULTS.windowBytes } = options
    return {
      items: checkNumber('size', size, 1, MAX_WINDOW_ITEMS),
      bytes: checkNumber('windowBytes', windowBytes, 1, MAX_WINDOW_BYTES)
    }
  }
}

/** The error of a bind that was refused: with a schema of ours that differs from the exporter's. */
function refusalOf(what: string, failure: Failure, ...coders: readonly ValueCoder[]): Error {
  return refusal(what, failure, theirs => {
    // Of a call, it is the schema whose fields differ that the exporter told of.
    const all = coders.map(coder => compareShapes(coder.schema.fingerprint?.shape ?? '', theirs))
    return all.reduce((a, b) => (b.length > 0 && (a.length === 0 || b.length < a.length) ? b : a))
  })
}
