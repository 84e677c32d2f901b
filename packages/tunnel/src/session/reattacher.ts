import { Backoff, deadline } from '@warren/utils'
import type { Expiring } from './deadline-queue.ts'
import { SessionClosedError, SessionProtocolError } from './errors.ts'
import { readHead } from './head-exchange.ts'
import { sendOffer } from './offer-stream.ts'
import type { DialledEnd } from './session-ends.ts'
import type { SessionEngine } from './session-engine.ts'
import type { OpenRequest } from './session-host-types.ts'
import type { SessionOptions } from './session-options.ts'
import type { StreamPort } from './stream-port.ts'
import type { StreamSealer } from './stream-sealer.ts'

/** What a {@link Reattacher} asks of its host. */
export interface ReattachKeeper {
  now(): number
  random(): number
  schedule(item: Expiring, at: number): void
  unschedule(item: Expiring): void
  retire(port: StreamPort): void
  /** Seals streams, where the host can. */
  readonly sealer: StreamSealer | undefined
}

interface Attempt {
  readonly controller: AbortController
  /** The offer is out: the peer may have fenced what was before it. */
  offered: boolean
}

/** Attempts under way at once: the one that hangs on a dead link, and one over a new link. */
const MAX_ATTEMPTS = 2

/**
 * Brings a dialled session back onto a stream whenever it is detached: at once after a loss, then
 * with back-off, and at once again when a link to the peer appears.
 */
export class Reattacher implements Expiring {
  readonly #end: DialledEnd
  readonly #engine: SessionEngine
  readonly #request: OpenRequest
  readonly #options: SessionOptions
  readonly #keeper: ReattachKeeper
  readonly #backoff: Backoff
  readonly #attempts = new Set<Attempt>()
  /** What had moved, and when, at the last attachment: so that a loss can be told from a loop. */
  #progress = -1
  #attachedAt = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(
    end: DialledEnd,
    engine: SessionEngine,
    request: OpenRequest,
    options: SessionOptions,
    keeper: ReattachKeeper
  ) {
    this.#end = end
    this.#engine = engine
    this.#request = request
    this.#options = options
    this.#keeper = keeper
    this.#backoff = new Backoff(options.reattach, () => keeper.random())
  }

  get attempts(): number {
    return this.#attempts.size
  }

  /** The session has just lost its stream. */
  start(): void {
    if (!this.#isNeeded || this.#attempts.size > 0) return
    const isUseful = this.#moved() !== this.#progress
    if (isUseful || this.#keeper.now() - this.#attachedAt >= STABLE) {
      this.#backoff.reset()
      this.#attempt()
    } else {
      // Streams that are lost before anything moves must not be opened in a tight loop.
      this.#later()
    }
  }

  /** A link to the peer appeared. */
  wake(): void {
    if (this.#isNeeded && this.#attempts.size < MAX_ATTEMPTS) this.#attempt()
  }

  onDeadline(): void {
    if (this.#isNeeded && this.#attempts.size === 0) this.#attempt()
  }

  /** Gives up: the session is over. */
  stop(): void {
    this.#stopped = true
    this.#keeper.unschedule(this)
    for (const attempt of this.#attempts) attempt.controller.abort(STOPPED)
  }

  get #isNeeded(): boolean {
    const { core } = this.#engine
    return !this.#stopped && !core.isAttached && core.life !== 'gone'
  }

  #moved(): number {
    const { core } = this.#engine
    return core.confirmed + core.position.received
  }

  #later(): void {
    this.#keeper.schedule(this, this.#keeper.now() + this.#backoff.next())
  }

  #attempt(): void {
    this.#keeper.unschedule(this)
    const attempt: Attempt = { controller: new AbortController(), offered: false }
    this.#attempts.add(attempt)
    const limit = deadline(this.#options.headTimeout, () => TOO_LATE, attempt.controller.signal)
    this.#tryOnce(attempt, limit.signal)
      // Whatever stopped this attempt, there is another: until the session's own deadline.
      .catch(() => {})
      .finally(() => {
        limit.clear()
        this.#attempts.delete(attempt)
        if (this.#isNeeded && this.#attempts.size === 0) this.#later()
      })
  }

  async #tryOnce(attempt: Attempt, signal: AbortSignal): Promise<void> {
    const carrier = await this.#request.openStream(signal)
    if (signal.aborted || !this.#isNeeded) {
      carrier.stream.abort(STOPPED)
      return
    }
    const offer = this.#end.offer()
    attempt.offered = true
    const port = await sendOffer(carrier, offer, this.#request, this.#keeper.sealer, signal)
    try {
      const { head, rest } = await readHead(port, signal)
      const answer = this.#end.answer(offer, head, this.#keeper.now())
      if (answer.at === 'attached') {
        this.#progress = this.#moved()
        this.#attachedAt = this.#keeper.now()
        this.#engine.attach(port, carrier.linkId, answer.epoch, rest)
        this.#dropOthers(attempt)
        return
      }
      this.#keeper.retire(port)
      // The core may have ended by the answer.
      this.#engine.pump()
    } catch (error) {
      port.abort(error instanceof Error ? error : STOPPED)
      throw error
    }
  }

  /** An attempt whose offer is out may win yet, with its higher epoch; the others are needless. */
  #dropOthers(winner: Attempt): void {
    for (const attempt of this.#attempts) {
      if (attempt !== winner && !attempt.offered) attempt.controller.abort(STOPPED)
    }
  }
}

/** Milliseconds that a stream has to last to be worth another at once although nothing moved. */
const STABLE = 1_000

const STOPPED = new SessionClosedError('the stream is no longer needed')
const TOO_LATE = new SessionProtocolError('the peer did not answer in time')
