import { Binding, type BindingEvent } from './binding.ts'
import { CODE, type Failure, FRAME, Violation, VERSION, failureOf } from './codes.ts'
import {
  type BindRequest,
  type Bound,
  type Hello,
  type OpenRequest,
  type Window,
  decodeBind,
  decodeBound,
  decodeCredit,
  decodeFailure,
  decodeHangup,
  decodeHello,
  decodeOpen,
  decodeRefuse,
  encodeRefuse,
  noWindow
} from './frames.ts'
import { type LinkBindings, NOT_TAKEN } from './link-bindings.ts'
import type { LinkOutput } from './link-output.ts'
import { ReceiveHalf } from './receive-half.ts'
import { SendHalf } from './send-half.ts'

/** What {@link PeerFrames} needs to know. */
export interface PeerFramesInit {
  readonly role: 'exporter' | 'importer'
  readonly maxValueBytes: number
  readonly maxBindings: number
}

/** What {@link PeerFrames} tells. */
export interface PeerFramesHooks {
  onHello(hello: Hello): void
}

const BOUND: BindingEvent = { type: 'bound' }

/**
 * What the frames of the peer do. A breach of the protocol inside one binding ends that binding;
 * any other is thrown, and ends the link.
 */
export class PeerFrames {
  readonly #init: PeerFramesInit
  readonly #bindings: LinkBindings
  readonly #output: LinkOutput
  readonly #hooks: PeerFramesHooks
  #greeted = false

  constructor(
    init: PeerFramesInit,
    bindings: LinkBindings,
    output: LinkOutput,
    hooks: PeerFramesHooks
  ) {
    this.#init = init
    this.#bindings = bindings
    this.#output = output
    this.#hooks = hooks
  }

  /** @throws Violation when the link is to end */
  onFrame(type: number, id: number, body: Uint8Array, pinnedBytes: number): void {
    if (this.#bindings.isClosed) return
    if (!this.#greeted) {
      if (type !== FRAME.hello) throw new Violation(CODE.protocol, 'the first frame is no hello')
      this.#onHello(body)
      return
    }
    switch (type) {
      case FRAME.data:
        return this.#onData(this.#bindings.table.lookUp(id), body, pinnedBytes)
      case FRAME.credit:
        return this.#onCredit(this.#bindings.table.lookUp(id), decodeCredit(body))
      case FRAME.bind:
        return this.#onBind(id, decodeBind(body))
      case FRAME.bound:
        return this.#onBound(this.#bindings.table.lookUp(id), decodeBound(body))
      case FRAME.refuse:
        return this.#onRefuse(this.#bindings.table.lookUp(id), decodeRefuse(body))
      case FRAME.close:
        return this.#onClose(this.#bindings.table.lookUp(id), decodeFailure('close', body))
      case FRAME.hangup:
        return this.#onHangup(this.#bindings.table.lookUp(id), decodeHangup(body))
      case FRAME.open:
        return this.#onOpen(id, decodeOpen(body))
      case FRAME.goodbye:
        return this.#onGoodbye(decodeFailure('goodbye', body))
      default:
        throw new Violation(CODE.protocol, `a frame of unknown type ${type}`)
    }
  }

  #onHello(body: Uint8Array): void {
    const hello = decodeHello(body)
    if (hello.version !== VERSION) {
      throw new Violation(
        CODE.version,
        `version ${hello.version} of the protocol, where this end speaks ${VERSION}`
      )
    }
    this.#greeted = true
    this.#hooks.onHello(hello)
    this.#bindings.push({ type: 'open' })
  }

  #onGoodbye(failure: Failure | undefined): void {
    this.#bindings.close()
    this.#bindings.push({ type: 'closed', failure, ours: false })
  }

  #onBind(id: number, request: BindRequest): void {
    if (this.#init.role !== 'exporter') throw new Violation(CODE.protocol, 'a bind to an importer')
    this.#bindings.table.usePeerId(id)
    const failure = this.#refusal(request)
    if (failure !== undefined) {
      this.#output.answer(FRAME.refuse, id, encodeRefuse(failure))
      return
    }
    const { kind } = request
    const binding = new Binding({
      id,
      kind,
      send: kind === 'send' ? undefined : new SendHalf(kind === 'call' ? 0 : request.count),
      receive:
        kind === 'recv'
          ? undefined
          : this.#receiveHalf(
              kind === 'call' ? { items: 1, bytes: this.#init.maxValueBytes } : noWindow(),
              kind === 'call' ? 1 : request.count
            ),
      isAsked: true
    })
    binding.send?.grant(request.window)
    this.#bindings.table.add(binding)
    this.#bindings.push({ type: 'bind', binding, request })
  }

  #refusal(request: BindRequest): Failure | undefined {
    if (!this.#bindings.hasRoom) {
      return {
        code: CODE.limit,
        message: `more than ${this.#init.maxBindings} bindings on this link`
      }
    }
    if (request.window.items === 0 || request.window.bytes === 0) {
      return { code: CODE.invalid, message: 'a window of 0' }
    }
    return undefined
  }

  #onBound(binding: Binding | undefined, { window, redelivers }: Bound): void {
    if (binding === undefined) return
    const isNested = binding.parent !== undefined && binding.send?.state === 'granting'
    if (!this.#bindings.table.isOurs(binding.id) || !(binding.isAsked || isNested)) {
      return this.#bindings.fail(binding, CODE.misdirected, 'bound without being asked')
    }
    if (binding.send !== undefined && (window.items === 0 || window.bytes === 0)) {
      return this.#bindings.fail(binding, CODE.invalid, 'a window of 0')
    }
    binding.isAsked = false
    binding.isRedelivered = redelivers
    binding.send?.grant(window)
    if (binding.parent === undefined) this.#bindings.tell(binding, BOUND)
    else this.#bindings.tellReady(binding)
  }

  #onRefuse(binding: Binding | undefined, failure: Failure): void {
    if (binding === undefined) return
    if (!this.#bindings.table.isOurs(binding.id) || !(binding.isAsked || binding.kind === 'call')) {
      return this.#bindings.fail(binding, CODE.misdirected, 'refused without being asked')
    }
    binding.send?.abandon()
    binding.receive?.abandon()
    this.#bindings.forget(binding)
    this.#bindings.tell(binding, { type: 'refused', failure })
  }

  #onData(binding: Binding | undefined, body: Uint8Array, pinnedBytes: number): void {
    if (binding === undefined) return
    if (binding.receive === undefined) {
      return this.#bindings.fail(binding, CODE.misdirected, 'a value in the wrong direction')
    }
    // We have left, which the peer does not know yet.
    if (binding.receive.state === 'over') return
    try {
      binding.receive.add(body, pinnedBytes)
    } catch (error) {
      const { code, message } = failureOf(error)
      return this.#bindings.fail(binding, code, message)
    }
    this.#bindings.tellData(binding)
  }

  #onCredit(binding: Binding | undefined, taken: number): void {
    if (binding === undefined) return
    if (!this.#confirm(binding, taken)) return
    this.#bindings.forgetIfOver(binding)
    this.#bindings.tellReady(binding)
  }

  #onClose(binding: Binding | undefined, failure: Failure | undefined): void {
    if (binding === undefined) return
    const half = binding.receive
    if (half?.state === 'over') return
    if (half === undefined || half.state === 'ended') {
      return this.#bindings.fail(binding, CODE.misdirected, 'close in the wrong direction')
    }
    half.end(failure)
    this.#output.credit(binding)
    this.#bindings.tell(binding, { type: 'ended', failure })
    this.#bindings.forgetIfOver(binding)
  }

  #onHangup(
    binding: Binding | undefined,
    { taken, failure }: { taken: number; failure: Failure | undefined }
  ): void {
    if (binding === undefined) return
    if (!this.#confirm(binding, taken)) return
    binding.send?.abandon()
    this.#bindings.tell(binding, { type: 'left', failure })
    this.#bindings.forgetIfOver(binding)
  }

  #onOpen(id: number, request: OpenRequest): void {
    this.#bindings.table.usePeerId(id)
    const parent = this.#bindings.table.lookUp(request.parent)
    // The parent has ended meanwhile, or there is no room: its value will not be resolved.
    const binding = new Binding({
      id,
      kind: request.kind === 'send' ? 'recv' : 'send',
      parent,
      send: request.kind === 'recv' ? new SendHalf(0) : undefined,
      receive: request.kind === 'send' ? this.#receiveHalf(noWindow(), 0) : undefined,
      isAsked: false
    })
    if (request.kind === 'recv' && (request.window.items === 0 || request.window.bytes === 0)) {
      return this.#bindings.fail(binding, CODE.invalid, 'a window of 0')
    }
    if (parent === undefined) {
      return this.#bindings.fail(binding, NOT_TAKEN.code, NOT_TAKEN.message)
    }
    if (!this.#bindings.hasRoom) {
      return this.#bindings.fail(binding, CODE.limit, 'no room for a channel in a value')
    }
    binding.send?.grant(request.window)
    this.#bindings.table.add(binding)
    parent.nested ??= new Set()
    parent.nested.add(binding)
  }

  /** Counts values as taken; `false` when that was wrong, or comes late. */
  #confirm(binding: Binding, taken: number): boolean {
    if (binding.send === undefined) {
      this.#bindings.fail(binding, CODE.misdirected, 'a credit in the wrong direction')
      return false
    }
    if (binding.send.state === 'over') return false
    try {
      binding.send.confirm(taken)
    } catch (error) {
      const { code, message } = failureOf(error)
      this.#bindings.fail(binding, code, message)
      return false
    }
    return true
  }

  #receiveHalf(window: Window, count: number): ReceiveHalf {
    return new ReceiveHalf(window, this.#init.maxValueBytes, count)
  }
}
