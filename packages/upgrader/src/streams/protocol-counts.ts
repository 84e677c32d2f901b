import type { MessageStreamDirection } from '@libp2p/interface'

/** Streams of one connection by protocol and direction. A protocol without streams takes no place. */
export class ProtocolCounts {
  readonly #inbound = new Map<string, number>()
  readonly #outbound = new Map<string, number>()

  count(protocol: string, direction: MessageStreamDirection): number {
    return this.#of(direction).get(protocol) ?? 0
  }

  /** Counts one more, unless there are `limit` already. */
  add(protocol: string, direction: MessageStreamDirection, limit: number): boolean {
    const count = this.count(protocol, direction)
    if (count >= limit) return false
    this.#of(direction).set(protocol, count + 1)
    return true
  }

  remove(protocol: string, direction: MessageStreamDirection): void {
    const count = this.count(protocol, direction)
    if (count > 1) this.#of(direction).set(protocol, count - 1)
    else this.#of(direction).delete(protocol)
  }

  #of(direction: MessageStreamDirection): Map<string, number> {
    return direction === 'inbound' ? this.#inbound : this.#outbound
  }
}
