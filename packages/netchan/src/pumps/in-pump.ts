import { type ChannelPort, NOTHING, type Pusher } from '../channel/channel-port.ts'
import { NetchanLinkLostError } from '../errors.ts'
import { errorOf, failureOf } from '../failures.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import type { CarriedEnds } from './carried-ends.ts'
import type { ValueCoder } from './value-coder.ts'

/** What an {@link InPump} works on. */
export interface InPumpInit {
  /** For messages: `channel prices`. */
  readonly what: string
  readonly core: LinkCore
  readonly binding: Binding
  readonly port: ChannelPort
  readonly coder: ValueCoder
  readonly ends: CarriedEnds
  /** Something went wrong here that no call waits for. */
  readonly report: (error: Error) => void
  /**
   * No more will come: everything that came has been delivered, or `dropped` values were not.
   * Called once. Whether the local channel ends with it is for the owner to say.
   */
  readonly onEnd: (error: Error | undefined, dropped: number) => void
}

/**
 * Carries values from a binding's window into a local channel: as a sender that stays, which the
 * channel fetches from when it has room or a receiver. A value is decoded when it is fetched, and
 * counts as taken then.
 */
export class InPump implements Pusher, BindingHandler {
  readonly #init: InPumpInit
  #detach: (() => void) | undefined
  /** How it ends once everything that came is delivered. */
  #ending: { readonly error: Error | undefined; readonly dropped: number } | undefined
  #ended = false

  constructor(init: InPumpInit) {
    this.#init = init
    init.binding.handler = this
  }

  /** Begins: the end may come at once, when the local channel is closed. */
  start(): this {
    this.#detach = this.#init.port.attachPusher(this)
    if (this.#ended) this.#detach()
    return this
  }

  /** Values that came and were not fetched. */
  get pending(): number {
    return this.#ended ? 0 : (this.#init.binding.receive?.unread ?? 0)
  }

  get received(): number {
    return this.#init.binding.receive?.received ?? 0
  }

  // --- For the local channel ---

  get ready(): boolean {
    return !this.#ended && (this.#init.binding.receive?.unread ?? 0) > 0
  }

  give(): unknown {
    const { core, binding, coder, ends } = this.#init
    const bytes = core.take(binding)
    if (bytes === undefined) return NOTHING
    try {
      return coder.decode(bytes, ends.resolve)
    } catch (error) {
      this.#refuse(error as Error)
      return NOTHING
    }
  }

  /** The local channel was closed: the peer is told to stop. */
  end(error: Error | undefined): void {
    if (this.#ended) return
    this.leave(error === undefined ? hungUp('the receiver has closed it') : failureOf(error))
  }

  // --- For the link ---

  handle(event: BindingEvent): void {
    const { what, port, binding } = this.#init
    if (this.#ended) return
    switch (event.type) {
      case 'data':
        port.push(this)
        return
      case 'ended':
        this.#ending = {
          error: event.failure === undefined ? undefined : errorOf(event.failure, what),
          dropped: 0
        }
        if (binding.receive?.unread === 0) this.#finish(this.#ending.error, 0)
        return
      case 'drained':
        if (this.#ending !== undefined) this.#finish(this.#ending.error, this.#ending.dropped)
        return
      case 'failed':
        this.#finish(errorOf(event.failure, what), 0)
        return
      case 'refused':
        this.#finish(errorOf(event.failure, what), 0)
        return
      case 'lost':
        this.#lose(event.error, event.isOrderly)
        return
      case 'bound':
      case 'ready':
      case 'left':
    }
  }

  /** Receives no more, saying why; returns how many values that came were not delivered. */
  leave(failure: Failure | undefined, error?: Error): number {
    if (this.#ended) return 0
    const dropped = this.#init.core.hangup(this.#init.binding, failure)
    this.#finish(error, dropped)
    return dropped
  }

  /** Ends at once with `error`: the exporter has refused. */
  fail(error: Error): void {
    this.#finish(error, 0)
  }

  /** Lets go of the local channel without a word to its owner. */
  release(): void {
    this.#ended = true
    this.#detach?.()
    this.#init.core.hangup(this.#init.binding)
  }

  #lose(error: Error, isOrderly: boolean): void {
    const { binding, what } = this.#init
    const half = binding.receive
    const unread = half?.unread ?? 0
    // What came before the peer ended in order is delivered, and so is what nobody else will get.
    const isComplete = half?.state === 'ended' && isOrderly
    const ending = isComplete
      ? this.#ending?.error
      : new NetchanLinkLostError(`${what}: ${error.message}`, 0, { cause: error })
    if (unread > 0 && (isComplete || !binding.isRedelivered))
      this.#ending = { error: ending, dropped: 0 }
    else this.#finish(ending, half?.abandon() ?? 0)
  }

  /** A value that cannot be had ends this channel, not the link. */
  #refuse(error: Error): void {
    const { core, binding } = this.#init
    const dropped = core.hangup(binding, { code: CODE.invalidValue, message: error.message })
    this.#init.report(error)
    // The end follows as an event: the local channel is in the middle of a fetch.
    this.#ending = { error, dropped }
    core.settle(binding)
  }

  #finish(error: Error | undefined, dropped: number): void {
    if (this.#ended) return
    this.#ended = true
    this.#detach?.()
    this.#init.onEnd(error, dropped)
  }
}

function hungUp(message: string): Failure {
  return { code: CODE.hangup, message }
}
