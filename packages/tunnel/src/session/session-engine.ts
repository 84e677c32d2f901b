import type { AbortOptions } from '@libp2p/interface'
import { WarrenError } from '@warren/interface'
import { waitFor } from '@warren/utils'
import { FIRST_APPLICATION_CODE, RESET } from './codes.ts'
import type { Expiring } from './deadline-queue.ts'
import { SessionClosedError, SessionResetError, SessionRevokedError } from './errors.ts'
import type { SessionEvent } from './event-set.ts'
import type { SessionCore } from './session-core.ts'
import type { Mode, SessionStats } from './session-types.ts'
import type { PortUser, StreamPort } from './stream-port.ts'

/** What the engine tells the kind of session on top of it. */
export interface EngineApp {
  readable(): void
  writable(): void
  confirmed(): void
  ended(error: Error | undefined): void
}

/** What the engine asks of its host. */
export interface EngineKeeper {
  now(): number
  /** Calls {@link SessionEngine.onDeadline} at `at`, or earlier. */
  schedule(engine: SessionEngine, at: number): void
  attached(engine: SessionEngine, linkId: string): void
  detached(engine: SessionEngine, linkId: string): void
  ended(engine: SessionEngine): void
  /** Nothing is left of the session: forget it. */
  gone(engine: SessionEngine): void
  /** The port is no longer used: close it, with a deadline. */
  retire(port: StreamPort): void
}

/** What never changes of a session. */
export interface EngineInit {
  readonly id: string
  readonly channel: string
  readonly peer: string
  readonly mode: Mode
}

const SILENT: EngineApp = { readable() {}, writable() {}, confirmed() {}, ended() {} }

/**
 * The shell of one {@link SessionCore}: gives it bytes and time, sends what it has to say over the
 * stream that is attached now, and passes on what happens.
 *
 * Writes of one tick leave together: they only mark the engine, and a microtask sends.
 */
export class SessionEngine implements Expiring {
  readonly init: EngineInit
  readonly core: SessionCore
  readonly #keeper: EngineKeeper
  app: EngineApp = SILENT
  #port: StreamPort | undefined
  #link: string | undefined
  /** Names the run of the peer's tunnel that has the other end. */
  instance: string | undefined
  #flushing = false
  /** `telling`: what the application does meanwhile is sent right after. */
  #pump: 'idle' | 'telling' | 'sending' = 'idle'
  readonly #listeners = { detached: new Set<() => void>(), resumed: new Set<() => void>() }
  readonly #closed = Promise.withResolvers<Error | undefined>()

  constructor(init: EngineInit, core: SessionCore, keeper: EngineKeeper) {
    this.init = init
    this.core = core
    this.#keeper = keeper
  }

  get link(): string | undefined {
    return this.#link
  }

  get status(): 'open' | 'closing' | 'closed' {
    if (this.core.ending !== undefined) return 'closed'
    return this.core.isClosing ? 'closing' : 'open'
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  get stats(): SessionStats {
    return this.core.stats
  }

  on(event: 'detached' | 'resumed', listener: () => void): () => void {
    // A wrapper of its own, so that a listener added twice is called, and removed, twice.
    const own = (): void => listener()
    this.#listeners[event].add(own)
    return () => this.#listeners[event].delete(own)
  }

  /** The stream carries the session from now on: the core has agreed to `epoch`. */
  attach(port: StreamPort, linkId: string, epoch: number, rest: Uint8Array): void {
    this.#letGo(new SessionClosedError('a newer stream carries the session'))
    this.#port = port
    this.#link = linkId
    this.#keeper.attached(this, linkId)
    const user: PortUser = {
      onBytes: chunk => {
        this.core.receive(epoch, chunk, this.#keeper.now())
        this.pump()
      },
      onDrain: () => {
        if (this.#port === port) this.pump()
      },
      onLost: () => {
        this.core.detach(epoch, this.#keeper.now())
        if (this.#port === port) this.#letGo(new SessionClosedError('the stream is lost'))
        this.pump()
      }
    }
    port.use(user)
    if (rest.length > 0) user.onBytes(rest)
    port.resume()
    this.pump()
  }

  /** The link of the attached stream is gone or dead. */
  dropLink(error: Error): void {
    this.#port?.abort(error)
  }

  /** What {@link SessionCore.write} does; sent with everything else of this tick. */
  write(chunk: Uint8Array): boolean {
    const more = this.core.write(chunk)
    this.#scheduleFlush()
    return more
  }

  read(max: number): Uint8Array | undefined {
    const chunk = this.core.read(max, this.#keeper.now())
    if (chunk !== undefined) this.#scheduleFlush()
    return chunk
  }

  end(): void {
    this.core.end(this.#keeper.now())
    this.#scheduleFlush()
  }

  sync(): void {
    this.core.sync()
    this.#scheduleFlush()
  }

  /** See `SessionBase.close`: resolves at the end; rejects when not all of ours was delivered. */
  async close(options: AbortOptions = {}): Promise<void> {
    this.core.close(this.#keeper.now())
    this.#scheduleFlush()
    try {
      const error = await waitFor(this.closed, options.signal)
      if (error !== undefined) throw error
    } catch (error) {
      if (options.signal?.aborted === true) {
        this.reset(RESET.cancelled, 'the session was closed', error as Error)
      }
      throw error
    }
  }

  abort(error: Error = new SessionClosedError('the session was aborted here')): void {
    if (error instanceof SessionRevokedError) {
      this.reset(RESET.revoked, error.message, error)
      return
    }
    const own = error instanceof SessionResetError
    const code = own && error.resetCode >= FIRST_APPLICATION_CODE ? error.resetCode : RESET.aborted
    this.reset(code & 0xffff, own ? error.reason : reasonFor(error), error)
  }

  reset(code: number, reason: string, error: Error | undefined): void {
    this.core.abort(code, reason, error, this.#keeper.now())
    this.pump()
  }

  onDeadline(now: number): void {
    this.core.onTimeout(now)
    this.pump()
  }

  /** Ends without a word to anyone: there is nobody to hear it. */
  discard(reason: string): void {
    this.core.lose(reason, this.#keeper.now())
    this.pump()
  }

  /** Sends, tells, and asks when to be called again; after everything that happened. */
  pump(): void {
    if (this.#pump !== 'idle') {
      this.#scheduleFlush()
      return
    }
    this.#pump = 'telling'
    try {
      this.#tell()
      this.#pump = 'sending'
      this.#flush()
      // What was sent can have made it gone; that is told, too.
      this.#tell()
    } finally {
      this.#pump = 'idle'
    }
    const at = this.core.nextTimeout()
    if (at !== undefined) this.#keeper.schedule(this, at)
  }

  #scheduleFlush(): void {
    if (this.#flushing || this.#pump === 'telling') return
    this.#flushing = true
    queueMicrotask(this.#flushLater)
  }

  readonly #flushLater = (): void => {
    this.#flushing = false
    this.pump()
  }

  #flush(): void {
    while (this.#port?.isWritable === true && this.core.hasOutput) {
      const out = this.core.pollOutput()
      if (out === undefined) return
      this.#port.send(out)
    }
  }

  #tell(): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      if (event === 'ended') this.#onEnded()
      else if (event === 'gone') this.#onGone()
      else this.#tellApp(event)
    }
  }

  /** An application that throws ends its own session, and nothing else. */
  #tellApp(event: Exclude<SessionEvent, 'ended' | 'gone'>): void {
    if (this.core.ending !== undefined) return
    try {
      switch (event) {
        case 'readable':
          this.app.readable()
          break
        case 'writable':
          this.app.writable()
          break
        case 'confirmed':
          this.app.confirmed()
          break
        case 'detached':
        case 'resumed':
          for (const listener of Array.from(this.#listeners[event])) listener()
          break
      }
    } catch (error) {
      this.reset(RESET.aborted, 'the application failed', asError(error))
    }
  }

  #onEnded(): void {
    const error = this.core.ending?.error
    this.#keeper.ended(this)
    this.#closed.resolve(error)
    try {
      this.app.ended(error)
    } catch {
      // The session is over; an application that fails now has nothing left to end.
    }
    this.#listeners.detached.clear()
    this.#listeners.resumed.clear()
  }

  #onGone(): void {
    // The last word goes out even when the stream takes no more just now: it is the last.
    const out = this.core.pollOutput()
    if (out !== undefined) this.#port?.send(out)
    const port = this.#port
    const link = this.#link
    this.#port = undefined
    this.#link = undefined
    if (link !== undefined) this.#keeper.detached(this, link)
    if (port !== undefined) this.#keeper.retire(port)
    this.#keeper.gone(this)
  }

  #letGo(error: Error): void {
    const port = this.#port
    const link = this.#link
    if (port === undefined || link === undefined) return
    this.#port = undefined
    this.#link = undefined
    port.abort(error)
    this.#keeper.detached(this, link)
  }
}

/** Warren's errors are written for both ends; others may name what is none of the peer's business. */
function reasonFor(error: Error): string {
  return error instanceof WarrenError ? error.message : 'the application aborted'
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
