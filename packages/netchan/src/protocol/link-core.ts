import { Binding, type BindingEvent } from './binding.ts'
import { BindingTable } from './binding-table.ts'
import { CODE, type Failure, FRAME, VERSION, failureOf } from './codes.ts'
import { FrameReader } from './frame-reader.ts'
import {
  type BindRequest,
  type OpenRequest,
  type Window,
  encodeBind,
  encodeBound,
  encodeFailure,
  encodeHello,
  encodeOpen,
  encodeRefuse
} from './frames.ts'
import { frameLimit } from './limits.ts'
import { LinkBindings, type LinkEvent } from './link-bindings.ts'
import { LinkOutput, type LinkOutputInit } from './link-output.ts'
import { PeerFrames } from './peer-frames.ts'
import { ReceiveHalf } from './receive-half.ts'
import { SendHalf } from './send-half.ts'

/** What a {@link LinkCore} needs to know at its start. Times in milliseconds. */
export interface LinkCoreInit extends LinkOutputInit {
  /** The importer binds, the exporter answers. */
  readonly role: 'exporter' | 'importer'
  /** Longest encoded value that this end accepts. */
  readonly maxValueBytes: number
  /** Bindings that may live at once, nested ones included. */
  readonly maxBindings: number
  /** How long the peer may take to say `hello`. */
  readonly helloTimeout: number
}

const DRAINED: BindingEvent = { type: 'drained' }

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
  readonly #output: LinkOutput
  readonly #bindings: LinkBindings
  #peerMaxValueBytes = Infinity
  #helloAt: number | undefined

  constructor(init: LinkCoreInit, now: number) {
    this.#init = init
    this.#output = new LinkOutput(init)
    const table = new BindingTable(init.role, init.maxBindings)
    this.#bindings = new LinkBindings(table, this.#output)
    const frames = new PeerFrames(init, this.#bindings, this.#output, {
      onHello: hello => {
        this.#peerMaxValueBytes = hello.maxValueBytes
        this.#helloAt = undefined
      }
    })
    this.#reader = new FrameReader(frameLimit(init.maxValueBytes), (type, id, body, pinned) =>
      frames.onFrame(type, id, body, pinned)
    )
    this.#helloAt = now + init.helloTimeout
    const hello = encodeHello({ version: VERSION, maxValueBytes: init.maxValueBytes })
    this.#output.frame(FRAME.hello, 0, hello)
  }

  // --- Getters ---

  /** Longest encoded value that the peer accepts; Infinity until it has said so. */
  get peerMaxValueBytes(): number {
    return this.#peerMaxValueBytes
  }

  /** So many answers wait for the link that no more should be read before some have left. */
  get isReadingHeld(): boolean {
    return this.#output.isFullOfAnswers
  }

  /** Sizes of every table and buffer. */
  debug(): { bindings: number; owing: number; blocked: number; output: number; held: number } {
    return {
      bindings: this.#bindings.table.size,
      owing: this.#output.owing,
      blocked: this.#output.blocked,
      output: this.#output.bytes,
      held: this.#reader.heldBytes
    }
  }

  /** The peer's nested binding `id` of `parent` that nobody has resolved. */
  unresolved(id: number, parent: Binding): Binding | undefined {
    const binding = this.#bindings.table.get(id)
    return binding !== undefined && parent.nested?.has(binding) === true ? binding : undefined
  }

  // --- What happens ---

  receive(packet: Uint8Array): void {
    if (this.#bindings.isClosed) return
    try {
      this.#reader.push(packet)
    } catch (error) {
      this.#failLink(failureOf(error))
    }
  }

  /** The carrier is gone: every binding hears of it. `isOrderly`: the peer has said goodbye. */
  lose(error: Error, isOrderly: boolean): void {
    this.#output.clear()
    this.#over()
    this.#bindings.lose(error, isOrderly)
  }

  nextTimeout(): number | undefined {
    const { creditAt } = this.#output
    if (this.#helloAt === undefined) return creditAt
    return Math.min(this.#helloAt, creditAt ?? Infinity)
  }

  onTimeout(now: number): void {
    if (this.#helloAt !== undefined && this.#helloAt <= now) {
      this.#helloAt = undefined
      this.#failLink({ code: CODE.timeout, message: 'no hello in time' })
    }
    const { creditAt } = this.#output
    if (creditAt !== undefined && creditAt <= now) this.#output.creditAll()
  }

  // --- What the application wants ---

  /** Asks for a channel; the answer is an event. `undefined` when there are too many bindings. */
  bind(request: BindRequest): Binding | undefined {
    if (!this.#bindings.hasRoom) return undefined
    const id = this.#bindings.table.newId()
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
    this.#bindings.table.add(binding)
    this.#output.frame(FRAME.bind, id, encodeBind(request))
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
    this.#output.answer(FRAME.bound, binding.id, encodeBound({ window, redelivers }))
  }

  /** Refuses it. */
  refuse(binding: Binding, failure: Failure): void {
    this.#output.answer(FRAME.refuse, binding.id, encodeRefuse(failure))
    binding.send?.abandon()
    binding.receive?.abandon()
    this.#bindings.forget(binding)
  }

  /** Opens an end that travels in a value of `parent`. `undefined`: there are too many bindings. */
  open(parent: Binding, kind: OpenRequest['kind'], window: Window): Binding | undefined {
    if (!this.#bindings.hasRoom) return undefined
    const id = this.#bindings.table.newId()
    const binding = new Binding({
      id,
      kind,
      parent,
      send: kind === 'send' ? new SendHalf(0) : undefined,
      receive: kind === 'recv' ? this.#receiveHalf(window, 0) : undefined,
      isAsked: false
    })
    this.#bindings.table.add(binding)
    this.#output.frame(FRAME.open, id, encodeOpen({ parent: parent.id, kind, window }))
    return binding
  }

  /** Takes up an end that the peer opened; `window`: what it may have unread here, if it sends. */
  resolve(binding: Binding, window: Window): void {
    binding.parent?.nested?.delete(binding)
    if (binding.receive === undefined) return
    binding.receive.allow(window)
    this.#output.frame(FRAME.bound, binding.id, encodeBound({ window, redelivers: false }))
  }

  /** There is room for one more value, in the window and towards the link. */
  canSend(binding: Binding): boolean {
    if (this.#bindings.isClosed || binding.send?.ready !== true) return false
    return this.#output.hasRoomFor(binding)
  }

  /** Sends a value; only when {@link canSend} says so. Its bytes are copied, `token` is kept. */
  send(binding: Binding, bytes: Uint8Array, token: unknown): void {
    binding.send?.record(token, bytes.length)
    this.#output.value(binding.id, bytes)
  }

  /** Sends no more: the peer gets what was sent, then the end. */
  end(binding: Binding, failure?: Failure): void {
    this.#bindings.end(binding, failure)
  }

  /** The next value, for good. After the last one before the end, a `drained` event follows. */
  take(binding: Binding): Uint8Array | undefined {
    const half = binding.receive
    const bytes = half?.take()
    if (half === undefined || bytes === undefined) return undefined
    if (half.unread === 0 && (half.state === 'ended' || this.#bindings.isClosed)) {
      this.#output.credit(binding)
      half.finish()
      this.#bindings.forgetIfOver(binding)
      this.settle(binding)
    } else if (!this.#bindings.isClosed) {
      this.#output.owe(binding)
    }
    return bytes
  }

  /** Queues a `drained` event: for an end that must not happen inside the call that found it. */
  settle(binding: Binding): void {
    this.#bindings.tell(binding, DRAINED)
    this.#output.wake()
  }

  /** Receives no more: what was not taken goes back to the peer. Returns how many that are. */
  hangup(binding: Binding, failure?: Failure): number {
    return this.#bindings.hangup(binding, failure)
  }

  /** Ends the link; what was written before leaves first. */
  goodbye(failure?: Failure): void {
    if (this.#bindings.isClosed) return
    this.#output.creditAll()
    this.#output.frame(FRAME.goodbye, 0, encodeFailure(failure))
    this.#over()
  }

  // --- Outputs ---

  /** What has happened, in order. */
  pollEvent(): LinkEvent | undefined {
    return this.#bindings.pollEvent()
  }

  /** The next packet for the link. */
  pollOutput(now: number): Uint8Array | undefined {
    return this.#output.packet(now)
  }

  /** A binding that waited for room in the output, while there is room: it may send now. */
  unblock(): Binding | undefined {
    return this.#output.unblock()
  }

  #failLink(failure: Failure): void {
    this.#output.frame(FRAME.goodbye, 0, encodeFailure(failure))
    this.#over()
    this.#bindings.push({ type: 'closed', failure, ours: true })
  }

  #over(): void {
    this.#helloAt = undefined
    this.#bindings.close()
  }

  #receiveHalf(window: Window, count: number): ReceiveHalf {
    return new ReceiveHalf(window, this.#init.maxValueBytes, count)
  }
}
