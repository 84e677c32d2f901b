import type { Binding } from './binding.ts'
import { FRAME } from './codes.ts'
import { FrameWriter } from './frame-writer.ts'
import { encodeCredit } from './frames.ts'
import { ANSWERS_HIGH_WATER, OUTPUT_HIGH_WATER } from './limits.ts'

/** What a {@link LinkOutput} needs to know. */
export interface LinkOutputInit {
  /** Largest packet that the link takes. */
  readonly packetBytes: number
  /** How long a credit waits for more at most, in milliseconds; 0: every one leaves at once. */
  readonly creditDelay: number
  /** There is output; `full`: a whole packet of it. Called from within the methods that write. */
  wake(full: boolean): void
}

/**
 * What one end of a link has to say: frames that wait for the carrier, credit that is owed, and the
 * bindings that wait for room. Bounded, because values come only while there is room, credit is
 * counted and not queued, and answers hold the reading of questions.
 */
export class LinkOutput {
  readonly #init: LinkOutputInit
  readonly #writer: FrameWriter
  /** Halves that owe credit. */
  readonly #owing = new Set<Binding>()
  /** Those that could send but for the output that waits, in the order they asked. */
  readonly #blocked = new Set<Binding>()
  #answerBytes = 0
  #isAwake = false
  #creditAt: number | undefined
  /** When credit left last. */
  #creditedAt = -Infinity
  #ended = false

  constructor(init: LinkOutputInit) {
    this.#init = init
    this.#writer = new FrameWriter(init.packetBytes)
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#writer.waitingBytes
  }

  get owing(): number {
    return this.#owing.size
  }

  get blocked(): number {
    return this.#blocked.size
  }

  /** When credit that waits for more leaves. */
  get creditAt(): number | undefined {
    return this.#creditAt
  }

  /** So many answers wait that no more questions should be read. */
  get isFullOfAnswers(): boolean {
    return this.#answerBytes >= ANSWERS_HIGH_WATER
  }

  /** Is there room for one more value? If not, the binding is told when there is. */
  hasRoomFor(binding: Binding): boolean {
    if (this.#writer.waitingBytes < OUTPUT_HIGH_WATER) return true
    this.#blocked.add(binding)
    return false
  }

  /** A binding that waited for room, while there is room: it may send now. */
  unblock(): Binding | undefined {
    if (this.#writer.waitingBytes >= OUTPUT_HIGH_WATER) return undefined
    for (const binding of this.#blocked) {
      this.#blocked.delete(binding)
      return binding
    }
    return undefined
  }

  frame(type: number, id: number, body: Uint8Array): void {
    if (this.#ended) return
    this.#writer.frame(type, id, body)
    this.wake()
  }

  /** A frame that only answers one of the peer's. */
  answer(type: number, id: number, body: Uint8Array): void {
    this.#answerBytes += body.length + 8
    this.frame(type, id, body)
  }

  value(id: number, bytes: Uint8Array): void {
    this.#writer.value(id, bytes)
    this.wake()
  }

  /** The binding owes credit, which leaves with others. */
  owe(binding: Binding): void {
    this.#owing.add(binding)
    this.wake()
  }

  /** Writes the credit that the binding owes. */
  credit(binding: Binding): void {
    this.#owing.delete(binding)
    const taken = binding.receive?.takeOwed() ?? 0
    if (taken > 0) this.frame(FRAME.credit, binding.id, encodeCredit(taken))
  }

  /** Writes all credit that is owed. */
  creditAll(): void {
    this.#creditAt = undefined
    for (const binding of this.#owing) this.credit(binding)
  }

  /** The next packet; credit that is worth sending leaves with it. */
  packet(now: number): Uint8Array | undefined {
    this.#creditDue(now)
    const packet = this.#writer.packet()
    if (this.#writer.waitingBytes === 0) {
      this.#answerBytes = 0
      if (packet === undefined) this.#isAwake = false
    }
    return packet
  }

  /** The binding is over. */
  forget(binding: Binding): void {
    this.#owing.delete(binding)
    this.#blocked.delete(binding)
  }

  /** Nothing more is written; what was may still leave. */
  end(): void {
    this.#ended = true
    this.#creditAt = undefined
    this.#owing.clear()
    this.#blocked.clear()
  }

  /** Drops what waits: there is no carrier any more. */
  clear(): void {
    this.#writer.clear()
  }

  /** Says that there is something to do, unless it was said already. */
  wake(): void {
    const full = this.#writer.hasFullPacket
    if (this.#isAwake && !full) return
    this.#isAwake = true
    this.#init.wake(full)
  }

  /**
   * Credit leaves at once for half a window; also for less when everything was taken, but then not
   * so soon after another: a receiver that is faster than its sender would answer every packet.
   */
  #creditDue(now: number): void {
    const { creditDelay } = this.#init
    const rested = now - this.#creditedAt >= creditDelay
    let waits = false
    for (const binding of this.#owing) {
      const half = binding.receive
      if (half?.isCreditDue === true || (rested && (creditDelay === 0 || half?.unread === 0))) {
        this.credit(binding)
        this.#creditedAt = now
      } else waits = true
    }
    if (!waits) this.#creditAt = undefined
    else this.#creditAt ??= now + creditDelay
  }
}
