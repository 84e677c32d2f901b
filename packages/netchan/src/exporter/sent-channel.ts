import type { ChannelPort } from '../channel/channel-port.ts'
import type { Window } from '../protocol/frames.ts'
import { noWindow } from '../protocol/frames.ts'
import type { Failure } from '../protocol/codes.ts'
import { CarriedEnds } from '../pumps/carried-ends.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import type { Binder, Exported, Unbound } from './exported.ts'
import type { Outlet } from './outlet.ts'
import type { Source, SourceHooks } from './source.ts'

/** What a {@link SentChannel} works on. */
export interface SentChannelInit {
  readonly what: string
  readonly coder: ValueCoder
  readonly port: ChannelPort
  /** For values of channels inside values. */
  readonly endCoder: ValueCoder
  /** What a peer may have unread of a channel inside a value here. */
  readonly endWindow: Window
  readonly report: (error: Error) => void
  readonly onProgress: () => void
  makeSource(hooks: SourceHooks): Source
}

/** A channel exported with direction `'send'`. */
export class SentChannel implements Exported {
  readonly kind = 'recv'
  readonly receives = undefined
  readonly reservedBytes = 0
  readonly isFull = false
  readonly #init: SentChannelInit
  readonly #source: Source
  /** Lets values into the channel again that would not arrive. */
  readonly #unguard: () => void
  readonly #unbound = new Map<Outlet, (how: Unbound) => void>()

  constructor(init: SentChannelInit) {
    this.#init = init
    this.#unguard = init.port.guard(value => init.coder.check(value))
    this.#source = init.makeSource({
      report: error => init.report(error),
      onProgress: () => init.onProgress(),
      onGone: (outlet, unconfirmed, error) => this.#onGone(outlet, unconfirmed, error)
    })
  }

  get sends(): ValueCoder {
    return this.#init.coder
  }

  get pending(): number {
    return this.#source.pending
  }

  get redelivered(): number {
    return this.#source.redelivered
  }

  get dropped(): number {
    return this.#source.dropped
  }

  get mark(): number {
    return this.#source.mark
  }

  isTaken(mark: number): boolean {
    return this.#source.isTaken(mark)
  }

  serve({ core, binding }: Binder, onUnbound: (how: Unbound) => void): void {
    const { what, endCoder, endWindow, report } = this.#init
    core.accept(binding, noWindow(), this.#source.redelivers)
    const ends = new CarriedEnds({
      what,
      core,
      binding,
      coder: endCoder,
      window: endWindow,
      report
    })
    const outlet = this.#source.add({ what, core, binding, ends })
    this.#unbound.set(outlet, onUnbound)
    this.#source.start(outlet)
  }

  stop(failure: Failure): number {
    this.#unguard()
    this.#source.stop(failure)
    return 0
  }

  #onGone(outlet: Outlet, unconfirmed: number, error: Error | undefined): void {
    const onUnbound = this.#unbound.get(outlet)
    this.#unbound.delete(outlet)
    onUnbound?.({ error, sent: outlet.sent, received: 0, undelivered: unconfirmed })
  }
}
