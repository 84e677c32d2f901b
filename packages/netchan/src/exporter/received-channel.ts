import type { ChannelPort } from '../channel/channel-port.ts'
import type { Failure } from '../protocol/codes.ts'
import type { Window } from '../protocol/frames.ts'
import { CarriedEnds } from '../pumps/carried-ends.ts'
import { InPump } from '../pumps/in-pump.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import type { Binder, Exported, Unbound } from './exported.ts'

/** What a {@link ReceivedChannel} works on. */
export interface ReceivedChannelInit {
  readonly what: string
  readonly port: ChannelPort
  readonly coder: ValueCoder
  readonly endCoder: ValueCoder
  readonly endWindow: Window
  /** The most that one importer may have unread here. */
  readonly window: Window
  readonly maxValueBytes: number
  /** The local channel ends, in order, when the last importer has closed. */
  readonly closeWithLast: boolean
  readonly report: (error: Error) => void
  readonly onProgress: () => void
}

/** A channel exported with direction `'recv'`: values of all importers come together in it. */
export class ReceivedChannel implements Exported {
  readonly kind = 'send'
  readonly sends = undefined
  readonly redelivered = 0
  readonly isFull = false
  readonly #init: ReceivedChannelInit
  readonly #pumps = new Set<InPump>()
  #dropped = 0

  constructor(init: ReceivedChannelInit) {
    this.#init = init
  }

  get receives(): ValueCoder {
    return this.#init.coder
  }

  /** A value may begin while a byte of the window is left. */
  get reservedBytes(): number {
    return this.#init.window.bytes + this.#init.maxValueBytes
  }

  get pending(): number {
    let pending = 0
    for (const pump of this.#pumps) pending += pump.pending
    return pending
  }

  get dropped(): number {
    return this.#dropped
  }

  /** It sends nothing: `sync` has nothing to wait for. */
  get mark(): number {
    return 0
  }

  isTaken(): boolean {
    return true
  }

  serve({ core, binding, request }: Binder, onUnbound: (how: Unbound) => void): void {
    const { what, port, coder, endCoder, endWindow, window, report, onProgress } = this.#init
    const granted = {
      items: Math.min(window.items, request.window.items),
      bytes: Math.min(window.bytes, request.window.bytes)
    }
    core.accept(binding, granted, false)
    const pump = new InPump({
      what,
      core,
      binding,
      port,
      coder,
      ends: new CarriedEnds({ what, core, binding, coder: endCoder, window: endWindow, report }),
      report,
      onEnd: (error, dropped) => {
        this.#pumps.delete(pump)
        this.#dropped += dropped
        const received = binding.receive?.received ?? 0
        onUnbound({ error, sent: 0, received, undelivered: dropped })
        onProgress()
        if (this.#init.closeWithLast && error === undefined && this.#pumps.size === 0) port.close()
      }
    })
    this.#pumps.add(pump)
    pump.start()
  }

  stop(failure: Failure): number {
    let dropped = 0
    for (const pump of this.#pumps) dropped += pump.leave(failure)
    return dropped
  }
}
