import type { ChannelPort, Puller } from '../channel/channel-port.ts'
import { HangupError, NetchanLinkLostError } from '../errors.ts'
import { errorOf, failureOf } from '../failures.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import type { Failure } from '../protocol/codes.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import type { CarriedEnds } from './carried-ends.ts'
import type { ValueCoder } from './value-coder.ts'

/** What an {@link OutPump} works on. */
export interface OutPumpInit {
  /** For messages: `channel orders`. */
  readonly what: string
  readonly core: LinkCore
  readonly binding: Binding
  readonly port: ChannelPort
  readonly coder: ValueCoder
  readonly ends: CarriedEnds
  /** Values that go before those of the local channel. */
  readonly first?: readonly unknown[]
  /** Something went wrong here that no call waits for. */
  readonly report: (error: Error) => void
  /** Values were confirmed: whoever waits for `sync` or `drain` looks again. */
  readonly onProgress: () => void
  /**
   * No more will go, and `unconfirmed` were sent of which nobody said that they were taken. Called
   * once. Whether the local channel ends with it is for the owner to say.
   */
  readonly onEnd: (error: Error | undefined, unconfirmed: readonly unknown[]) => void
}

/**
 * Carries values from a local channel to one binding that nobody shares: a receiver that stays,
 * ready while the peer's window and the link have room.
 */
export class OutPump implements Puller, BindingHandler {
  readonly #init: OutPumpInit
  #detach: (() => void) | undefined
  /** No more is taken from the local channel. */
  #detached = false
  #ended = false
  #unguard: (() => void) | undefined
  readonly #first: unknown[]

  constructor(init: OutPumpInit) {
    this.#init = init
    this.#first = [...(init.first ?? [])]
    init.binding.handler = this
  }

  /** Begins: the end may come at once, when the local channel is closed. */
  start(): this {
    const { port, coder, core } = this.#init
    this.#unguard = port.guard(value => coder.check(value, core.peerMaxValueBytes))
    this.#detach = port.attachPuller(this)
    if (this.#detached) this.#detach()
    return this
  }

  /** Values that the local channel took and nobody confirmed. */
  get pending(): number {
    const { port } = this.#init
    if (this.#ended) return 0
    return (
      this.#inFlight + this.#first.length + (this.#detached ? 0 : port.buffered + port.blockedSends)
    )
  }

  get sent(): number {
    return this.#init.binding.send?.sent ?? 0
  }

  get confirmed(): number {
    return this.#init.binding.send?.confirmed ?? 0
  }

  get isEnded(): boolean {
    return this.#ended
  }

  // --- For the local channel ---

  get ready(): boolean {
    return !this.#detached && this.#first.length === 0 && this.#hasRoom
  }

  take(value: unknown): void {
    const { core, binding, coder, ends } = this.#init
    let bytes: Uint8Array
    try {
      bytes = coder.encode(value, ends.attach)
    } catch (error) {
      ends.rollBack()
      this.#init.report(error as Error)
      return
    }
    ends.commit()
    core.send(binding, bytes, value)
    if (binding.send?.exhausted === true) this.#close(undefined)
  }

  /** The local channel was closed, and everything in it was taken. */
  end(error: Error | undefined): void {
    this.#close(failureOf(error))
  }

  // --- For the link ---

  handle(event: BindingEvent): void {
    const { what, port, binding } = this.#init
    if (this.#ended) return
    switch (event.type) {
      case 'bound':
        this.#pull(port)
        return
      case 'ready':
        this.#init.onProgress()
        if (binding.send?.state === 'over') this.#finish(undefined)
        else if (!this.#detached) this.#pull(port)
        return
      case 'left':
        this.#finish(
          event.failure === undefined
            ? new HangupError(`${what}: the receiver has left`, this.#inFlight)
            : errorOf(event.failure, what, this.#inFlight)
        )
        return
      case 'failed':
      case 'refused':
        this.#finish(errorOf(event.failure, what, this.#inFlight))
        return
      case 'lost':
        this.#finish(
          new NetchanLinkLostError(`${what}: ${event.error.message}`, this.#inFlight, {
            cause: event.error
          })
        )
        return
      case 'data':
      case 'ended':
      case 'drained':
    }
  }

  /** Sends no more; what was sent is still confirmed. */
  leave(failure: Failure | undefined): void {
    this.#close(failure)
  }

  /** Lets go of the local channel without a word to its owner; returns what nobody confirmed. */
  release(): unknown[] {
    this.#let()
    this.#ended = true
    const { core, binding } = this.#init
    core.end(binding)
    return [...(binding.send?.takeUnconfirmed() ?? []), ...this.#first]
  }

  get #hasRoom(): boolean {
    return this.#init.core.canSend(this.#init.binding)
  }

  #pull(port: ChannelPort): void {
    while (this.#first.length > 0 && this.#hasRoom) this.take(this.#first.shift())
    port.pull(this)
  }

  get #inFlight(): number {
    return this.#init.binding.send?.inFlight ?? 0
  }

  #close(failure: Failure | undefined): void {
    if (this.#detached) return
    this.#let()
    const { core, binding } = this.#init
    core.end(binding, failure)
    if (binding.send?.state === 'over') this.#finish(undefined)
  }

  #let(): void {
    this.#detached = true
    this.#unguard?.()
    this.#detach?.()
  }

  #finish(error: Error | undefined): void {
    if (this.#ended) return
    if (!this.#detached) this.#let()
    this.#ended = true
    this.#init.onEnd(error, this.#init.binding.send?.takeUnconfirmed() ?? [])
  }
}
