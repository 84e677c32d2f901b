import type { BindingTable } from './binding-table.ts'
import type { Binding, BindingEvent } from './binding.ts'
import { CODE, type Code, type Failure, FRAME } from './codes.ts'
import { Fifo } from '../fifo.ts'
import { encodeFailure, encodeHangup } from './frames.ts'
import type { BindRequest } from './frames.ts'
import type { LinkOutput } from './link-output.ts'

/** What has happened on a link; see {@link LinkCore.pollEvent}. */
export type LinkEvent =
  /** The peer has said hello, in a version that we speak. */
  | { readonly type: 'open' }
  /** The importer asks for a channel: answer with `accept` or `refuse`. */
  | { readonly type: 'bind'; readonly binding: Binding; readonly request: BindRequest }
  | { readonly type: 'binding'; readonly binding: Binding; readonly event: BindingEvent }
  /** The link is over, by the peer's word or its breach of the protocol. */
  | { readonly type: 'closed'; readonly failure: Failure | undefined; readonly ours: boolean }

/** Why an end in a value is over that nobody resolved. */
export const NOT_TAKEN: Failure = {
  code: CODE.hangup,
  message: 'the value that carried the channel was not taken'
}

const READY: BindingEvent = { type: 'ready' }
const DATA: BindingEvent = { type: 'data' }

/** The bindings of one end of a link, how they end, and what has happened to them. */
export class LinkBindings {
  readonly table: BindingTable
  readonly #output: LinkOutput
  readonly #events = new Fifo<LinkEvent>()
  #closed = false

  constructor(table: BindingTable, output: LinkOutput) {
    this.table = table
    this.#output = output
  }

  /** The link is over: nothing is written any more. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** One more binding may be made. */
  get hasRoom(): boolean {
    return !this.#closed && this.table.hasRoom
  }

  /** What has happened, in order. */
  pollEvent(): LinkEvent | undefined {
    const event = this.#events.shift()
    if (event?.type === 'binding') {
      if (event.event === DATA) event.binding.isDataQueued = false
      else if (event.event === READY) event.binding.isReadyQueued = false
    }
    return event
  }

  push(event: LinkEvent): void {
    this.#events.push(event)
  }

  tell(binding: Binding, event: BindingEvent): void {
    this.#events.push({ type: 'binding', binding, event })
  }

  /** Another value may be sent. Told once until it is heard. */
  tellReady(binding: Binding): void {
    if (binding.isReadyQueued) return
    binding.isReadyQueued = true
    this.tell(binding, READY)
  }

  /** Values came. Told once until it is heard. */
  tellData(binding: Binding): void {
    if (binding.isDataQueued) return
    binding.isDataQueued = true
    this.tell(binding, DATA)
  }

  /** See {@link LinkCore.end}. */
  end(binding: Binding, failure?: Failure): void {
    const { send } = binding
    if (this.#closed || send === undefined) return
    if (send.state === 'closing' || send.state === 'over') return
    this.#output.frame(FRAME.close, binding.id, encodeFailure(failure))
    send.end()
    this.forgetIfOver(binding)
  }

  /** See {@link LinkCore.hangup}. */
  hangup(binding: Binding, failure?: Failure): number {
    const half = binding.receive
    if (half === undefined || half.state === 'over') return 0
    const taken = half.takeOwed()
    const dropped = half.abandon()
    this.#output.forget(binding)
    if (this.#closed) return dropped
    this.#output.frame(FRAME.hangup, binding.id, encodeHangup(taken, failure))
    this.forgetIfOver(binding)
    return dropped
  }

  /** The peer broke the protocol in this binding: both halves end, and it is told why. */
  fail(binding: Binding, code: Code, message: string): void {
    const failure: Failure = { code, message }
    if (binding.send !== undefined && binding.send.state !== 'over') {
      if (binding.send.state !== 'closing') {
        this.#output.answer(FRAME.close, binding.id, encodeFailure(failure))
      }
      binding.send.abandon()
    }
    if (binding.receive !== undefined && binding.receive.state !== 'over') {
      const taken = binding.receive.takeOwed()
      binding.receive.abandon()
      this.#output.answer(FRAME.hangup, binding.id, encodeHangup(taken, failure))
    }
    this.forget(binding)
    this.tell(binding, { type: 'failed', failure })
  }

  forgetIfOver(binding: Binding): void {
    if (binding.isOver) this.forget(binding)
  }

  /** Ended: whatever still comes for it is late and ignored. */
  forget(binding: Binding): void {
    this.table.remove(binding)
    this.#output.forget(binding)
    if (binding.nested === undefined) return
    // Ends in values that nobody resolved end with the binding that brought them.
    for (const nested of binding.nested) {
      this.end(nested, NOT_TAKEN)
      this.hangup(nested, NOT_TAKEN)
    }
  }

  /** The link is over. */
  close(): void {
    this.#closed = true
    this.#output.end()
  }

  /** Its carrier is gone: every binding hears of it. */
  lose(error: Error, isOrderly: boolean): void {
    for (const binding of this.table.all()) this.tell(binding, { type: 'lost', error, isOrderly })
    this.table.clear()
  }
}
