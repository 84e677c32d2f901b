import type { Message } from '../session/session-types.ts'

/** Messages, and bytes of them, that are kept in case that they come back; the newest always. */
const MAX_LEASES = 16_384
const MAX_LEASED_BYTES = 2_097_152

/** A message that was given to one tunnel for some of its queue groups. */
interface Lease {
  readonly message: Message
  readonly queues: Set<string>
}

/**
 * Messages for queue groups that one tunnel has, so that it can give them back: by number, once, and
 * no other message. Bounded: what a window and the hands of its subscriptions hold fits.
 */
export class Leases {
  readonly #leases = new Map<number, Lease>()
  #bytes = 0
  #last = 0

  /** Keeps a message; returns its number, from 1. */
  add(message: Message, queues: readonly string[]): number {
    this.#last++
    this.#leases.set(this.#last, { message, queues: new Set(queues) })
    this.#bytes += message.body.length
    for (const lease of this.#leases.keys()) {
      if (this.#leases.size <= MAX_LEASES && this.#bytes <= MAX_LEASED_BYTES) break
      if (lease !== this.#last) this.#delete(lease)
    }
    return this.#last
  }

  /** The message, if it was given to this tunnel for these groups; the groups it was given for. */
  giveBack(
    lease: number,
    queues: readonly string[]
  ): { readonly message: Message; readonly queues: string[] } | undefined {
    const known = this.#leases.get(lease)
    if (known === undefined) return undefined
    const back = queues.filter(queue => known.queues.delete(queue))
    if (known.queues.size === 0) this.#delete(lease)
    return { message: known.message, queues: back }
  }

  #delete(lease: number): void {
    this.#bytes -= this.#leases.get(lease)?.message.body.length ?? 0
    this.#leases.delete(lease)
  }
}
