import type { AbortOptions } from '@libp2p/interface'
import { SessionClosedError } from './errors.ts'
import type { EngineApp, SessionEngine } from './session-engine.ts'
import type { ByteSession, Mode, SessionStats } from './session-types.ts'
import { WaitList } from './signalled.ts'

/** A {@link ByteSession} on an engine. */
export class EngineByteSession implements ByteSession, EngineApp {
  readonly #engine: SessionEngine
  readonly #readers = new WaitList<void>()
  readonly #writers = new WaitList<void>()
  #onReadable: (() => void) | undefined
  onDrain: (() => void) | undefined

  constructor(engine: SessionEngine) {
    this.#engine = engine
    engine.app = this
  }

  get id(): string {
    return this.#engine.init.id
  }

  get channel(): string {
    return this.#engine.init.channel
  }

  get peer(): string {
    return this.#engine.init.peer
  }

  get mode(): Mode {
    return this.#engine.init.mode
  }

  get link(): string | undefined {
    return this.#engine.link
  }

  get status(): 'open' | 'closing' | 'closed' {
    return this.#engine.status
  }

  get closed(): Promise<Error | undefined> {
    return this.#engine.closed
  }

  get readEnded(): boolean {
    return this.#engine.core.isReadEnded
  }

  get onReadable(): (() => void) | undefined {
    return this.#onReadable
  }

  set onReadable(callback: (() => void) | undefined) {
    this.#onReadable = callback
    const { core } = this.#engine
    if (callback === undefined) return
    if (core.unread === 0 && !core.isReadEnded && core.ending === undefined) return
    // What came before anyone listened is told, too.
    queueMicrotask(() => {
      if (this.#onReadable === callback) callback()
    })
  }

  stats(): SessionStats {
    return this.#engine.stats
  }

  on(event: 'detached' | 'resumed', listener: () => void): () => void {
    return this.#engine.on(event, listener)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#engine.core.isEnded) {
      throw new SessionClosedError('this side of the session is closed for writing')
    }
    return this.#engine.write(chunk)
  }

  async drained(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#throwIfEnded()
    if (this.#engine.core.hasRoom) return
    await this.#writers.wait(options)
  }

  closeWrite(): void {
    this.#engine.end()
  }

  read(max = Number.MAX_SAFE_INTEGER): Uint8Array | undefined {
    return this.#engine.read(max)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    for (;;) {
      const chunk = this.read()
      if (chunk !== undefined) {
        yield chunk
        continue
      }
      if (this.readEnded) return undefined
      this.#throwIfEnded()
      await this.#readers.wait()
    }
  }

  async close(options?: AbortOptions): Promise<void> {
    await this.#engine.close(options)
  }

  abort(error?: Error): void {
    this.#engine.abort(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // --- What the engine tells ---

  readable(): void {
    this.#readers.settleAll()
    this.#onReadable?.()
  }

  writable(): void {
    this.#writers.settleAll()
    this.onDrain?.()
  }

  confirmed(): void {}

  ended(error: Error | undefined): void {
    this.#readers.settleAll()
    this.#writers.failAll(error ?? ENDED)
    this.#onReadable?.()
  }

  #throwIfEnded(): void {
    const { ending } = this.#engine.core
    if (ending !== undefined) throw ending.error ?? new SessionClosedError(ENDED.message)
  }
}

const ENDED = new SessionClosedError('the session has ended')
