import type { Connection } from '@libp2p/interface'

/** A connection with what the choice among several goes by. */
export interface Ranked {
  readonly connection: Connection
  /** Another connection to the peer takes its place: used only when there is no other. */
  readonly supplanted: boolean
  /** Grows with each connection. */
  readonly order: number
}

/**
 * The best of a peer's connections: open, then not supplanted, unlimited, direct, with most
 * streams, newest (as in go-libp2p).
 */
export function bestOf<T extends Ranked>(entries: Iterable<T>): T | undefined {
  let best: T | undefined
  for (const entry of entries) {
    if (entry.connection.status !== 'open') continue
    if (best === undefined || compare(entry, best) > 0) best = entry
  }
  return best
}

function compare(a: Ranked, b: Ranked): number {
  return (
    Number(b.supplanted) - Number(a.supplanted) ||
    Number(a.connection.limits === undefined) - Number(b.connection.limits === undefined) ||
    Number(a.connection.direct) - Number(b.connection.direct) ||
    a.connection.streams.length - b.connection.streams.length ||
    a.order - b.order
  )
}
