import type { MessageStreamDirection } from '@libp2p/interface'

type Counts = Record<MessageStreamDirection, number>

/** Streams of one connection by protocol and direction. A protocol without streams takes no place. */
export class ProtocolCounts {
  /** Made with the first stream: many connections are idle. */
  #protocols: Map<string, Counts> | undefined

  count(protocol: string, direction: MessageStreamDirection): number {
    return this.#protocols?.get(protocol)?.[direction] ?? 0
  }

  /** Counts one more, unless there are `limit` already. */
  add(protocol: string, direction: MessageStreamDirection, limit: number): boolean {
    const protocols = (this.#protocols ??= new Map<string, Counts>())
    const counts = protocols.get(protocol) ?? { inbound: 0, outbound: 0 }
    if (counts[direction] >= limit) return false
    if (counts.inbound + counts.outbound === 0) protocols.set(protocol, counts)
    counts[direction]++
    return true
  }

  remove(protocol: string, direction: MessageStreamDirection): void {
    const counts = this.#protocols?.get(protocol)
    if (counts === undefined || counts[direction] === 0) return
    counts[direction]--
    if (counts.inbound + counts.outbound === 0) this.#protocols?.delete(protocol)
  }
}
