import { channel } from '../channel/channel.ts'
import { PORT } from '../channel/channel-port.ts'
import { handlerFailure } from '../failures.ts'
import type { Binding, BindingEvent } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import { type Window, noWindow } from '../protocol/frames.ts'
import { CarriedEnds } from '../pumps/carried-ends.ts'
import { OutPump } from '../pumps/out-pump.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import { HangupError } from '../errors.ts'
import type { Binder, Exported, Unbound } from './exported.ts'

/** What a handler learns of a call besides the value. */
export interface CallContext {
  /** Aborts when the caller gives up, or its link is gone. */
  readonly signal: AbortSignal
  /** Who calls. */
  readonly peer: string
}

/** Answers one call: with a value (or a promise of one), or with many, one after the other. */
export type CallFunction = (value: unknown, context: CallContext) => unknown

/** What a {@link CallHandler} works on. */
export interface CallHandlerInit {
  readonly what: string
  readonly handle: CallFunction
  readonly requests: ValueCoder
  readonly replies: ValueCoder
  readonly endCoder: ValueCoder
  readonly endWindow: Window
  readonly maxValueBytes: number
  readonly maxCalls: number
  readonly report: (error: Error) => void
  readonly onProgress: () => void
}

/** A function exported under a name. */
export class CallHandler implements Exported {
  readonly kind = 'call'
  readonly redelivered = 0
  readonly dropped = 0
  readonly mark = 0
  readonly #init: CallHandlerInit
  readonly #calls = new Set<Call>()
  /** Calls accepted whose handler has not returned. */
  #running = 0

  constructor(init: CallHandlerInit) {
    this.#init = init
  }

  get sends(): ValueCoder {
    return this.#init.replies
  }

  get receives(): ValueCoder {
    return this.#init.requests
  }

  get reservedBytes(): number {
    return this.#init.maxValueBytes
  }

  /** A caller that gives up does not end its handler, which may not heed the signal: it counts on. */
  get isFull(): boolean {
    return this.#running >= this.#init.maxCalls
  }

  /** Calls that are not answered to the end. */
  get pending(): number {
    return this.#calls.size
  }

  isTaken(): boolean {
    return true
  }

  serve(binder: Binder, onUnbound: (how: Unbound) => void): void {
    binder.core.accept(binder.binding, noWindow(), false)
    this.#running++
    const onReturned = (): void => {
      this.#running--
    }
    const call = new Call(this.#init, binder, onReturned, error => {
      this.#calls.delete(call)
      const { send, receive } = binder.binding
      onUnbound({
        error,
        sent: send?.sent ?? 0,
        received: receive?.received ?? 0,
        undelivered: send?.inFlight ?? 0
      })
      this.#init.onProgress()
    })
    this.#calls.add(call)
  }

  stop(failure: Failure): number {
    for (const call of this.#calls) call.stop(failure)
    return 0
  }
}

/** One call: first the request comes, then replies go. */
class Call {
  readonly #init: CallHandlerInit
  readonly #binder: Binder
  readonly #binding: Binding
  readonly #ends: CarriedEnds
  readonly #abort = new AbortController()
  /** The handler has returned, or was never called. Called once. */
  readonly #onReturned: () => void
  readonly #onEnd: (error: Error | undefined) => void
  /** Replies on their way; there is one once the request has come. */
  #replies: OutPump | undefined
  #isCalled = false
  #over = false

  constructor(
    init: CallHandlerInit,
    binder: Binder,
    onReturned: () => void,
    onEnd: (error: Error | undefined) => void
  ) {
    this.#init = init
    this.#binder = binder
    this.#binding = binder.binding
    this.#onReturned = onReturned
    this.#onEnd = onEnd
    this.#ends = new CarriedEnds({
      what: init.what,
      core: binder.core,
      binding: binder.binding,
      coder: init.endCoder,
      window: init.endWindow,
      report: init.report
    })
    this.#binding.handler = this
  }

  handle(event: BindingEvent): void {
    switch (event.type) {
      case 'data':
        this.#begin()
        return
      case 'ended':
        // A caller that ends without a request has nothing to be answered.
        if (this.#replies === undefined && this.#binding.receive?.unread === 0) {
          this.#binder.core.end(this.#binding, { code: CODE.invalid, message: 'no request came' })
          this.#end(new HangupError(`${this.#init.what}: ended without a request`))
        }
        return
      case 'lost':
      case 'failed':
      case 'left':
        if (this.#replies === undefined) this.#end(new HangupError(`${this.#init.what}: ended`))
        else this.#replies.handle(event)
        return
      case 'ready':
        this.#replies?.handle(event)
        return
      case 'bound':
      case 'refused':
      case 'drained':
    }
  }

  stop(failure: Failure): void {
    const { core } = this.#binder
    core.hangup(this.#binding, failure)
    if (this.#replies === undefined) core.end(this.#binding, failure)
    this.#replies?.leave(failure)
    this.#end(new HangupError(`${this.#init.what}: taken back`))
  }

  #begin(): void {
    const { core, peer } = this.#binder
    const bytes = this.#replies === undefined ? core.take(this.#binding) : undefined
    if (bytes === undefined) return
    let value: unknown
    try {
      value = this.#init.requests.decode(bytes, this.#ends.resolve)
    } catch (error) {
      const failure = { code: CODE.invalidValue, message: (error as Error).message }
      core.hangup(this.#binding, failure)
      core.end(this.#binding, failure)
      this.#init.report(error as Error)
      this.#end(error as Error)
      return
    }
    const replies = channel<unknown>(0)
    this.#replies = new OutPump({
      what: this.#init.what,
      core,
      binding: this.#binding,
      port: replies[PORT],
      coder: this.#init.replies,
      ends: this.#ends,
      report: this.#init.report,
      onProgress: this.#init.onProgress,
      onEnd: error => {
        // Whoever still sends replies is told that nobody wants them.
        replies.close(error)
        this.#end(error)
      }
    }).start()
    this.#binding.handler = this
    const answered = this.#answer(value, peer, async reply => replies.send(reply))
    this.#isCalled = true
    void answered.finally(this.#onReturned).then(
      () => replies.close(),
      (error: unknown) => {
        if (this.#over) return
        const failure = handlerFailure(error)
        this.#replies?.leave(failure)
        this.#init.report(error as Error)
      }
    )
  }

  async #answer(
    value: unknown,
    peer: string,
    send: (reply: unknown) => Promise<void>
  ): Promise<void> {
    const answer: unknown = await this.#init.handle(value, { signal: this.#abort.signal, peer })
    if (!isAsyncIterable(answer)) return send(answer)
    for await (const reply of answer) await send(reply)
  }

  #end(error: Error | undefined): void {
    if (this.#over) return
    this.#over = true
    if (!this.#isCalled) this.#onReturned()
    if (error !== undefined) this.#abort.abort(error)
    this.#onEnd(error)
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
