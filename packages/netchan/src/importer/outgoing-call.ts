import type { AbortOptions } from '@libp2p/interface'
import { channel } from '../channel/channel.ts'
import { type ChannelPort, PORT } from '../channel/channel-port.ts'
import type { Channel, Receiver } from '../channel/channel-types.ts'
import { NetchanLimitError } from '../errors.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import type { Failure } from '../protocol/codes.ts'
import type { Window } from '../protocol/frames.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import { CarriedEnds } from '../pumps/carried-ends.ts'
import { InPump } from '../pumps/in-pump.ts'
import { OutPump } from '../pumps/out-pump.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'

/** What an {@link OutgoingCall} works on. */
export interface OutgoingCallInit {
  readonly name: string
  readonly core: LinkCore
  readonly requests: ValueCoder
  readonly replies: ValueCoder
  readonly endCoder: ValueCoder
  readonly endWindow: Window
  readonly window: Window
  /** The error that a refusal is told as. */
  readonly refused: (failure: Failure) => Error
  readonly report: (error: Error) => void
  onEnd(): void
}

const EMPTY = new Uint8Array(0)

/** One call: a request on its way, and the replies to it. */
export class OutgoingCall implements BindingHandler {
  readonly #init: OutgoingCallInit
  readonly #binding: Binding
  readonly #local: Channel<unknown> = channel(0)
  readonly #request: OutPump
  readonly #replies: InPump

  /** @throws NetchanLimitError, ValueInvalidError, ValueTooLongError */
  constructor(init: OutgoingCallInit, request: unknown) {
    this.#init = init
    const { name, core, requests, replies, endCoder, endWindow, report } = init
    requests.check(request)
    const binding = core.bind({
      name,
      kind: 'call',
      codec: requests.codec.name,
      count: 0,
      sends: requests.schema.fingerprint?.hash ?? EMPTY,
      receives: replies.schema.fingerprint?.hash ?? EMPTY,
      window: init.window
    })
    if (binding === undefined) throw new NetchanLimitError('too many channels on this link')
    this.#binding = binding
    const what = `call ${name}`
    const ends = new CarriedEnds({
      what,
      core,
      binding,
      coder: endCoder,
      window: endWindow,
      report
    })
    this.#replies = new InPump({
      what,
      core,
      binding,
      port: this.#local[PORT],
      coder: replies,
      ends,
      report,
      onEnd: error => {
        this.#local.close(error)
        init.onEnd()
      }
    }).start()
    const outgoing = channel<unknown>(1)
    this.#request = new OutPump({
      what,
      core,
      binding,
      port: outgoing[PORT],
      coder: requests,
      ends,
      report,
      onProgress: () => {},
      onEnd: () => outgoing.close()
    }).start()
    binding.handler = this
    outgoing.trySend(request)
    outgoing.close()
  }

  get replies(): Receiver<unknown> {
    return new CallReplies(this.#local)
  }

  handle(event: BindingEvent): void {
    switch (event.type) {
      case 'refused':
        this.#request.handle(event)
        this.#replies.fail(this.#init.refused(event.failure))
        return
      case 'failed':
      case 'lost':
        this.#request.handle(event)
        this.#replies.handle(event)
        return
      case 'ready':
      case 'left':
        this.#request.handle(event)
        return
      case 'data':
      case 'ended':
      case 'drained':
        this.#replies.handle(event)
        return
      case 'bound':
    }
  }

  /** Gives up: the handler at the other end hears of it. */
  giveUp(error: Error): void {
    this.#local.close(error)
    this.#request.release()
  }

  get binding(): Binding {
    return this.#binding
  }
}

/** The replies to one call: whoever stops to iterate over them wants no more of them. */
class CallReplies implements Receiver<unknown> {
  readonly #local: Channel<unknown>

  constructor(local: Channel<unknown>) {
    this.#local = local
  }

  get [PORT](): ChannelPort {
    return this.#local[PORT]
  }

  get closed(): boolean {
    return this.#local.closed
  }

  receive(options?: AbortOptions): Promise<IteratorResult<unknown, undefined>> {
    return this.#local.receive(options)
  }

  tryReceive(): IteratorResult<unknown, undefined> | undefined {
    return this.#local.tryReceive()
  }

  close(error?: Error): void {
    this.#local.close(error)
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    const values = this.#local[Symbol.asyncIterator]()
    return {
      next: () => values.next(),
      return: async () => {
        await values.return?.()
        this.#local.close()
        return { done: true, value: undefined }
      }
    }
  }
}
