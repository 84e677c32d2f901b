import { Binding, type BindingEvent } from './binding.ts'
import { CODE, type Failure, FRAME, Violation, VERSION } from './codes.ts'
import { Fifo } from './fifo.ts'
import { FrameReader } from './frame-reader.ts'
import { FrameWriter } from './frame-writer.ts'
import {
  type BindRequest,
  type Bound,
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
  encodeBind,
  encodeBound,
  encodeCredit,
  encodeFailure,
  encodeHangup,
  encodeHello,
  encodeOpen,
  encodeRefuse,
  noWindow
} from './frames.ts'
import { ANSWERS_HIGH_WATER, MAX_ID, OUTPUT_HIGH_WATER, frameLimit } from './limits.ts'
import { ReceiveHalf } from './receive-half.ts'
import { SendHalf } from './send-half.ts'

/** What a {@link LinkCore} needs to know at its start. Times in milliseconds. */
export interface LinkCoreInit {
  /** The importer binds, the exporter answers. */
  readonly role: 'exporter' | 'importer'
  /** Longest encoded value that this end accepts. */
  readonly maxValueBytes: number
  /** Bindings that may live at once, nested ones included. */
  readonly maxBindings: number
  /** How long a credit waits for more at most; 0: every one leaves at once. */
  readonly creditDelay: number
  /** How long the peer may take to say `hello`. */
  readonly helloTimeout: number
  /** Largest packet that the link takes. */
  readonly packetBytes: number
  /** There is output; `full`: a whole packet of it. Called from within commands. */
  wake(full: boolean): void
}

/** What {@link LinkCore.pollEvent} returns. */
export type LinkEvent =
  /** The peer has said hello, in a version that we speak. */
  | { readonly type: 'open' }
  /** The importer asks for a channel: answer with `accept` or `refuse`. */
  | { readonly type: 'bind'; readonly binding: Binding; readonly request: BindRequest }
  | { readonly type: 'binding'; readonly binding: Binding; readonly event: BindingEvent }
  /** The link is over, by the peer's word or its breach of the protocol. */
  | { readonly type: 'closed'; readonly failure: Failure | undefined; readonly ours: boolean }

/** States of a link. `closed`: nothing is read any more; what is written may still leave. */
export type LinkState = 'greeting' | 'open' | 'closed'

/** Why an end in a value is over that nobody resolved. */
const NOT_TAKEN: Failure = {
  code: CODE.hangup,
  message: 'the value that carried the channel was not taken'
}

const READY: BindingEvent = { type: 'ready' }
const DATA: BindingEvent = { type: 'data' }
const DRAINED: BindingEvent = { type: 'drained' }
const BOUND: BindingEvent = { type: 'bound' }

/**
 * One end of a netchan link, without I/O, clock or values: packets, frames, windows and ids.
 *
 * Call order. The shell
 * 1. gives it what happens: {@link receive} (a packet), {@link onTimeout}, {@link lose};
 * 2. or what the application wants: {@link bind}, {@link accept}, {@link refuse}, {@link open},
 *    {@link send}, {@link end}, {@link take}, {@link hangup}, {@link goodbye};
 * 3. after `receive` and `onTimeout` drains {@link pollEvent}, and whenever `wake` was called drains
 *    {@link pollOutput}, then hands {@link unblock} the room that there is again, and asks
 *    {@link nextTimeout}.
 *
 * Nothing that a peer sends makes a method throw: a breach in the frames of one binding ends that
 * binding, a breach of the framing ends the link, each with a code.
 */
export class LinkCore {
  readonly #init: LinkCoreInit
  readonly #reader: FrameReader
  readonly #writer: FrameWriter
  #state: LinkState = 'greeting'
  readonly #bindings = new Map<number, Binding>()
  readonly #events = new Fifo<LinkEvent>()
  /** Ours are even at the importer, odd at the exporter. */
  #nextId: number
  #lastPeerId = -1
  /** Halves that owe credit. */
  readonly #owing = new Set<Binding>()
  /** Those that could send but for the output that waits, in the order they asked. */
  readonly #blocked = new Set<Binding>()
  #answerBytes = 0
  #peerMaxValueBytes = Infinity
  #isAwake = false
  #creditAt: number | undefined
  #helloAt: number | undefined

  constructor(init: LinkCoreInit, now: number) {
    this.#init = init
    this.#nextId = init.role === 'importer' ? 0 : 1
    this.#reader = new FrameReader(frameLimit(init.maxValueBytes), (type, id, body, pinned) =>
      this.#onFrame(type, id, body, pinned)
    )
    this.#writer = new FrameWriter(init.packetBytes)
    this.#helloAt = now + init.helloTimeout
    const hello = encodeHello({ version: VERSION, maxValueBytes: init.maxValueBytes })
    this.#write(FRAME.hello, 0, hello)
  }

  // --- Getters ---

  get state(): LinkState {
    return this.#state
  }

  /** Bindings that live. */
  get size(): number {
    return this.#bindings.size
  }

  /** Longest encoded value that the peer accepts; Infinity until it has said so. */
  get peerMaxValueBytes(): number {
    return this.#peerMaxValueBytes
  }

  /** So many answers wait for the link that no more should be read before some have left. */
  get isReadingHeld(): boolean {
    return this.#answerBytes >= ANSWERS_HIGH_WATER
  }

  /** Sizes of every table and buffer. */
  debug(): { bindings: number; owing: number; blocked: number; output: number; held: number } {
    return {
      bindings: this.#bindings.size,
      owing: this.#owing.size,
      blocked: this.#blocked.size,
      output: this.#writer.waitingBytes,
      held: this.#reader.heldBytes
    }
  }

  bindings(): Binding[] {
    return [...this.#bindings.values()]
  }

  /** The peer's nested binding `id` of `parent` that nobody has resolved. */
  unresolved(id: number, parent: Binding): Binding | undefined {
    const binding = this.#bindings.get(id)
    return binding !== undefined && parent.nested?.has(binding) === true ? binding : undefined
  }

  // --- What happens ---

  receive(packet: Uint8Array): void {
    if (this.#state === 'closed') return
    try {
      this.#reader.push(packet)
    } catch (error) {
      this.#failLink(failureOf(error))
    }
  }

  /** The carrier is gone: every binding hears of it. `isOrderly`: the peer has said goodbye. */
  lose(error: Error, isOrderly: boolean): void {
    this.#writer.clear()
    this.#over()
    for (const binding of this.#bindings.values()) {
      this.#tell(binding, { type: 'lost', error, isOrderly })
    }
    this.#bindings.clear()
  }

  nextTimeout(): number | undefined {
    if (this.#helloAt === undefined) return this.#creditAt
    return Math.min(this.#helloAt, this.#creditAt ?? Infinity)
  }

  onTimeout(now: number): void {
    if (this.#helloAt !== undefined && this.#helloAt <= now) {
      this.#helloAt = undefined
      this.#failLink({ code: CODE.timeout, message: 'no hello in time' })
    }
    if (this.#creditAt !== undefined && this.#creditAt <= now) {
      this.#creditAt = undefined
      for (const binding of this.#owing) this.#credit(binding)
    }
  }

  // --- What the application wants ---

  /** Asks for a channel; the answer is an event. `undefined` when there are too many bindings. */
  bind(request: BindRequest): Binding | undefined {
    if (!this.#hasRoom()) return undefined
    const id = this.#nextId
    this.#nextId += 2
    const binding = new Binding({
      id,
      kind: request.kind,
      send:
        request.kind === 'recv'
          ? undefined
          : new SendHalf(request.kind === 'call' ? 1 : request.count),
      receive:
        request.kind === 'send' ? undefined : this.#receiveHalf(request.window, request.count),
      isAsked: true
    })
    if (request.kind === 'call') {
      // The one value of a call follows at once: it needs no window of the peer's.
      binding.send?.grant({ items: 1, bytes: 1 })
      binding.isAsked = false
    }
    this.#bindings.set(id, binding)
    this.#write(FRAME.bind, id, encodeBind(request))
    return binding
  }

  /**
   * Accepts what was asked for.
   *
   * @param window what the importer may have unread here, if it sends
   * @param redelivers values that are not confirmed when the importer leaves go to another
   */
  accept(binding: Binding, window: Window, redelivers: boolean): void {
    binding.isAsked = false
    if (binding.kind === 'call') return
    binding.receive?.allow(window)
    this.#answer(FRAME.bound, binding.id, encodeBound({ window, redelivers }))
  }

  /** Refuses it. */
  refuse(binding: Binding, failure: Failure): void {
    this.#answer(FRAME.refuse, binding.id, encodeRefuse(failure))
    binding.send?.abandon()
    binding.receive?.abandon()
    this.#forget(binding)
  }

  /** Opens an end that travels in a value of `parent`. `undefined`: there are too many bindings. */
  open(parent: Binding, kind: OpenRequest['kind'], window: Window): Binding | undefined {
    if (!this.#hasRoom()) return undefined
    const id = this.#nextId
    this.#nextId += 2
    const binding = new Binding({
      id,
      kind,
      parent,
      send: kind === 'send' ? new SendHalf(0) : undefined,
      receive: kind === 'recv' ? this.#receiveHalf(window, 0) : undefined,
      isAsked: false
    })
    this.#bindings.set(id, binding)
    this.#write(FRAME.open, id, encodeOpen({ parent: parent.id, kind, window }))
    return binding
  }

  /** Takes up an end that the peer opened; `window`: what it may have unread here, if it sends. */
  resolve(binding: Binding, window: Window): void {
    binding.parent?.nested?.delete(binding)
    if (binding.receive === undefined) return
    binding.receive.allow(window)
    this.#write(FRAME.bound, binding.id, encodeBound({ window, redelivers: false }))
  }

  /** There is room for one more value, in the window and towards the link. */
  canSend(binding: Binding): boolean {
    if (this.#state === 'closed' || binding.send?.ready !== true) return false
    if (this.#writer.waitingBytes < OUTPUT_HIGH_WATER) return true
    this.#blocked.add(binding)
    return false
  }

  /** Sends a value; only when {@link canSend} says so. Its bytes are copied, `token` is kept. */
  send(binding: Binding, bytes: Uint8Array, token: unknown): void {
    binding.send?.record(token, bytes.length)
    this.#writer.value(binding.id, bytes)
    this.#wake()
  }

  /** Sends no more: the peer gets what was sent, then the end. */
  end(binding: Binding, failure?: Failure): void {
    const { send } = binding
    if (this.#state === 'closed' || send === undefined) return
    if (send.state === 'closing' || send.state === 'over') return
    this.#write(FRAME.close, binding.id, encodeFailure(failure))
    send.end()
    this.#forgetIfOver(binding)
  }

  /** The next value, for good. After the last one before the end, a `drained` event follows. */
  take(binding: Binding): Uint8Array | undefined {
    const half = binding.receive
    const bytes = half?.take()
    if (half === undefined || bytes === undefined) return undefined
    if (half.unread === 0 && (half.state === 'ended' || this.#state === 'closed')) {
      this.#credit(binding)
      half.finish()
      this.#forgetIfOver(binding)
      this.settle(binding)
    } else if (this.#state !== 'closed') {
      this.#owing.add(binding)
      this.#wake()
    }
    return bytes
  }

  /** Queues a `drained` event: for an end that must not happen inside the call that found it. */
  settle(binding: Binding): void {
    this.#tell(binding, DRAINED)
    this.#wake()
  }

  /** Receives no more: what was not taken goes back to the peer. Returns how many that are. */
  hangup(binding: Binding, failure?: Failure): number {
    const half = binding.receive
    if (half === undefined || half.state === 'over') return 0
    const taken = half.takeOwed()
    const dropped = half.abandon()
    this.#owing.delete(binding)
    if (this.#state === 'closed') return dropped
    this.#write(FRAME.hangup, binding.id, encodeHangup(taken, failure))
    this.#forgetIfOver(binding)
    return dropped
  }

  /** Ends the link; what was written before leaves first. */
  goodbye(failure?: Failure): void {
    if (this.#state === 'closed') return
    for (const binding of this.#owing) this.#credit(binding)
    this.#write(FRAME.goodbye, 0, encodeFailure(failure))
    this.#over()
  }

  // --- Outputs ---

  /** What has happened, in order. */
  pollEvent(): LinkEvent | undefined {
    const event = this.#events.shift()
    if (event?.type === 'binding') {
      if (event.event === DATA) event.binding.isDataQueued = false
      else if (event.event === READY) event.binding.isReadyQueued = false
    }
    return event
  }

  /** The next packet for the link. */
  pollOutput(now: number): Uint8Array | undefined {
    this.#creditDue(now)
    const packet = this.#writer.packet()
    if (this.#writer.waitingBytes === 0) {
      this.#answerBytes = 0
      if (packet === undefined) this.#isAwake = false
    }
    return packet
  }

  /** A binding that waited for room in the output, while there is room: it may send now. */
  unblock(): Binding | undefined {
    if (this.#writer.waitingBytes >= OUTPUT_HIGH_WATER) return undefined
    for (const binding of this.#blocked) {
      this.#blocked.delete(binding)
      return binding
    }
    return undefined
  }

  // --- Frames ---

  #onFrame(type: number, id: number, body: Uint8Array, pinnedBytes: number): void {
    if (this.#state === 'closed') return
    if (this.#state === 'greeting') {
      if (type !== FRAME.hello) throw new Violation(CODE.protocol, 'the first frame is no hello')
      return this.#onHello(body)
    }
    switch (type) {
      case FRAME.data:
        return this.#onData(this.#lookUp(id), body, pinnedBytes)
      case FRAME.credit:
        return this.#onCredit(this.#lookUp(id), decodeCredit(body))
      case FRAME.bind:
        return this.#onBind(id, decodeBind(body))
      case FRAME.bound:
        return this.#onBound(this.#lookUp(id), decodeBound(body))
      case FRAME.refuse:
        return this.#onRefuse(this.#lookUp(id), decodeRefuse(body))
      case FRAME.close:
        return this.#onClose(this.#lookUp(id), decodeFailure('close', body))
      case FRAME.hangup:
        return this.#onHangup(this.#lookUp(id), decodeHangup(body))
      case FRAME.open:
        return this.#onOpen(id, decodeOpen(body))
      case FRAME.goodbye: {
        this.#over()
        this.#events.push({
          type: 'closed',
          failure: decodeFailure('goodbye', body),
          ours: false
        })
        return
      }
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
    this.#peerMaxValueBytes = hello.maxValueBytes
    this.#state = 'open'
    this.#helloAt = undefined
    this.#events.push({ type: 'open' })
  }

  #onBind(id: number, request: BindRequest): void {
    if (this.#init.role !== 'exporter') throw new Violation(CODE.protocol, 'a bind to an importer')
    this.#newPeerId(id)
    const failure = this.#refusal(request)
    if (failure !== undefined) {
      this.#answer(FRAME.refuse, id, encodeRefuse(failure))
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
    this.#bindings.set(id, binding)
    this.#events.push({ type: 'bind', binding, request })
  }

  #refusal(request: BindRequest): Failure | undefined {
    if (!this.#hasRoom()) {
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
    if (!this.#isOurs(binding.id) || !(binding.isAsked || isNested)) {
      return this.#failBinding(binding, CODE.misdirected, 'bound without being asked')
    }
    if (binding.send !== undefined && (window.items === 0 || window.bytes === 0)) {
      return this.#failBinding(binding, CODE.invalid, 'a window of 0')
    }
    binding.isAsked = false
    binding.isRedelivered = redelivers
    binding.send?.grant(window)
    this.#tell(binding, binding.parent === undefined ? BOUND : READY)
  }

  #onRefuse(binding: Binding | undefined, failure: Failure): void {
    if (binding === undefined) return
    if (!this.#isOurs(binding.id) || !(binding.isAsked || binding.kind === 'call')) {
      return this.#failBinding(binding, CODE.misdirected, 'refused without being asked')
    }
    binding.send?.abandon()
    binding.receive?.abandon()
    this.#forget(binding)
    this.#tell(binding, { type: 'refused', failure })
  }

  #onData(binding: Binding | undefined, body: Uint8Array, pinnedBytes: number): void {
    if (binding === undefined) return
    if (binding.receive === undefined) {
      return this.#failBinding(binding, CODE.misdirected, 'a value in the wrong direction')
    }
    try {
      binding.receive.add(body, pinnedBytes)
    } catch (error) {
      const { code, message } = failureOf(error)
      return this.#failBinding(binding, code, message)
    }
    if (binding.isDataQueued) return
    binding.isDataQueued = true
    this.#tell(binding, DATA)
  }

  #onCredit(binding: Binding | undefined, taken: number): void {
    if (binding === undefined) return
    if (!this.#confirm(binding, taken)) return
    this.#forgetIfOver(binding)
    if (binding.isReadyQueued) return
    binding.isReadyQueued = true
    this.#tell(binding, READY)
  }

  #onClose(binding: Binding | undefined, failure: Failure | undefined): void {
    if (binding === undefined) return
    const half = binding.receive
    if (half === undefined || half.state !== 'open') {
      return this.#failBinding(binding, CODE.misdirected, 'close in the wrong direction')
    }
    half.end(failure)
    this.#credit(binding)
    this.#tell(binding, { type: 'ended', failure })
    this.#forgetIfOver(binding)
  }

  #onHangup(
    binding: Binding | undefined,
    { taken, failure }: { taken: number; failure: Failure | undefined }
  ): void {
    if (binding === undefined) return
    if (!this.#confirm(binding, taken)) return
    binding.send?.abandon()
    this.#tell(binding, { type: 'left', failure })
    this.#forgetIfOver(binding)
  }

  #onOpen(id: number, request: OpenRequest): void {
    this.#newPeerId(id)
    const parent = this.#lookUp(request.parent)
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
      return this.#failBinding(binding, CODE.invalid, 'a window of 0')
    }
    if (parent === undefined) {
      return this.#failBinding(binding, NOT_TAKEN.code, NOT_TAKEN.message)
    }
    if (!this.#hasRoom()) {
      return this.#failBinding(binding, CODE.limit, 'no room for a channel in a value')
    }
    binding.send?.grant(request.window)
    this.#bindings.set(id, binding)
    parent.nested ??= new Set()
    parent.nested.add(binding)
  }

  // --- Helpers ---

  #confirm(binding: Binding, taken: number): boolean {
    if (binding.send === undefined || binding.send.state === 'over') {
      this.#failBinding(binding, CODE.misdirected, 'a credit in the wrong direction')
      return false
    }
    try {
      binding.send.confirm(taken)
    } catch (error) {
      const { code, message } = failureOf(error)
      this.#failBinding(binding, code, message)
      return false
    }
    return true
  }

  /** A binding that the peer may speak of; `undefined` when it has ended, and this comes late. */
  #lookUp(id: number): Binding | undefined {
    const binding = this.#bindings.get(id)
    if (binding !== undefined) return binding
    if (this.#isOurs(id) ? id < this.#nextId : id <= this.#lastPeerId) return undefined
    throw new Violation(CODE.protocol, `a frame of binding ${id}, which nobody made`)
  }

  #newPeerId(id: number): void {
    if (this.#isOurs(id) || id <= this.#lastPeerId) {
      throw new Violation(CODE.protocol, `the id ${id} is not a new one of the peer`)
    }
    this.#lastPeerId = id
  }

  #isOurs(id: number): boolean {
    return (id & 1) === (this.#nextId & 1)
  }

  #hasRoom(): boolean {
    return (
      this.#state !== 'closed' &&
      this.#bindings.size < this.#init.maxBindings &&
      this.#nextId <= MAX_ID
    )
  }

  #receiveHalf(window: Window, count: number): ReceiveHalf {
    return new ReceiveHalf(window, this.#init.maxValueBytes, count)
  }

  /** The peer broke the protocol in this binding: both halves end, and it is told why. */
  #failBinding(binding: Binding, code: number, message: string): void {
    const failure: Failure = { code, message }
    if (binding.send !== undefined && binding.send.state !== 'over') {
      if (binding.send.state !== 'closing') {
        this.#answer(FRAME.close, binding.id, encodeFailure(failure))
      }
      binding.send.abandon()
    }
    if (binding.receive !== undefined && binding.receive.state !== 'over') {
      const taken = binding.receive.takeOwed()
      binding.receive.abandon()
      this.#answer(FRAME.hangup, binding.id, encodeHangup(taken, failure))
    }
    this.#forget(binding)
    this.#tell(binding, { type: 'failed', failure })
  }

  #failLink(failure: Failure): void {
    this.#write(FRAME.goodbye, 0, encodeFailure(failure))
    this.#over()
    this.#events.push({ type: 'closed', failure, ours: true })
  }

  #over(): void {
    this.#state = 'closed'
    this.#helloAt = undefined
    this.#creditAt = undefined
    this.#owing.clear()
    this.#blocked.clear()
  }

  #forgetIfOver(binding: Binding): void {
    if (binding.isOver) this.#forget(binding)
  }

  /** Ended: whatever still comes for it is late and ignored. */
  #forget(binding: Binding): void {
    this.#bindings.delete(binding.id)
    this.#owing.delete(binding)
    this.#blocked.delete(binding)
    binding.parent?.nested?.delete(binding)
    if (binding.nested === undefined) return
    // Ends in values that nobody resolved end with the binding that brought them.
    for (const nested of binding.nested) {
      this.end(nested, NOT_TAKEN)
      this.hangup(nested, NOT_TAKEN)
    }
  }

  #tell(binding: Binding, event: BindingEvent): void {
    this.#events.push({ type: 'binding', binding, event })
  }

  /** Credit that is worth sending leaves now; for the rest a deadline is set. */
  #creditDue(now: number): void {
    const isPrompt = this.#init.creditDelay === 0
    let waits = false
    for (const binding of this.#owing) {
      if (isPrompt || binding.receive?.isCreditDue === true) this.#credit(binding)
      else waits = true
    }
    if (!waits) this.#creditAt = undefined
    else this.#creditAt ??= now + this.#init.creditDelay
  }

  #credit(binding: Binding): void {
    this.#owing.delete(binding)
    const taken = binding.receive?.takeOwed() ?? 0
    if (taken > 0) this.#write(FRAME.credit, binding.id, encodeCredit(taken))
  }

  #answer(type: number, id: number, body: Uint8Array): void {
    this.#answerBytes += body.length + 8
    this.#write(type, id, body)
  }

  #write(type: number, id: number, body: Uint8Array): void {
    if (this.#state === 'closed') return
    this.#writer.frame(type, id, body)
    this.#wake()
  }

  #wake(): void {
    const full = this.#writer.hasFullPacket
    if (this.#isAwake && !full) return
    this.#isAwake = true
    this.#init.wake(full)
  }
}

function failureOf(error: unknown): Failure {
  return error instanceof Violation
    ? error.failure
    : { code: CODE.protocol, message: 'a frame that could not be handled' }
}
