import type { Failure, Kind } from './codes.ts'
import type { ReceiveHalf } from './receive-half.ts'
import type { SendHalf } from './send-half.ts'

/** What happens to a binding; the link core tells its {@link BindingHandler}. */
export type BindingEvent =
  /** The exporter has accepted it. */
  | { readonly type: 'bound' }
  /** The exporter has not. */
  | { readonly type: 'refused'; readonly failure: Failure }
  /** Another value may be sent, or values were confirmed. */
  | { readonly type: 'ready' }
  /** Values came. */
  | { readonly type: 'data' }
  /** The peer sends no more; unread values are left to take. */
  | { readonly type: 'ended'; readonly failure: Failure | undefined }
  /** The peer receives no more; unconfirmed values may be fetched. */
  | { readonly type: 'left'; readonly failure: Failure | undefined }
  /** The peer broke the protocol in this binding, and was told: it is over. */
  | { readonly type: 'failed'; readonly failure: Failure }
  /** The last value before the end was taken. */
  | { readonly type: 'drained' }
  /** The link is gone; `isOrderly`: the peer has said goodbye before. */
  | { readonly type: 'lost'; readonly error: Error; readonly isOrderly: boolean }

/** Takes what happens to a binding. */
export interface BindingHandler {
  handle(event: BindingEvent): void
}

/** One channel between the two ends of a link. */
export class Binding {
  readonly id: number
  readonly kind: Kind
  /** The binding whose value carried it; `undefined` for one made by name. */
  readonly parent: Binding | undefined
  readonly send: SendHalf | undefined
  readonly receive: ReceiveHalf | undefined
  handler: BindingHandler | undefined
  /** Ends in values of this binding that nobody has resolved; made when there is one. */
  nested: Set<Binding> | undefined
  /** `true` until the exporter has answered. */
  isAsked: boolean
  /** What we do not take before we leave goes to another importer. */
  isRedelivered = false
  /** Events that are queued, so that each is queued once. */
  isDataQueued = false
  isReadyQueued = false

  constructor(init: {
    readonly id: number
    readonly kind: Kind
    readonly parent?: Binding | undefined
    readonly send?: SendHalf | undefined
    readonly receive?: ReceiveHalf | undefined
    readonly isAsked: boolean
  }) {
    this.id = init.id
    this.kind = init.kind
    this.parent = init.parent
    this.send = init.send
    this.receive = init.receive
    this.isAsked = init.isAsked
  }

  /** Both halves are over. */
  get isOver(): boolean {
    return (
      (this.send === undefined || this.send.state === 'over') &&
      (this.receive === undefined || this.receive.state === 'over')
    )
  }
}
