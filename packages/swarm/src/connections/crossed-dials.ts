import type { Connection, PeerId } from '@libp2p/interface'

/** A connection as far as crossing goes. */
export interface Crossable {
  readonly connection: Connection
  /** Dialled with `force` on this side: left alone. */
  readonly forced: boolean
}

/**
 * Which of two connections to one peer goes, when both peers dialled at the same moment: the one
 * that the peer with the greater id (compared as bytes) dialled. Both ends come to the same answer.
 *
 * @returns `undefined` when the two did not cross: same direction, forced, relayed, or opened more
 * than `window` milliseconds apart
 */
export function crossedLoser<T extends Crossable>(
  self: PeerId,
  a: T,
  b: T,
  window: number
): T | undefined {
  if (a.connection.direction === b.connection.direction) return undefined
  if (a.forced || b.forced || !a.connection.direct || !b.connection.direct) return undefined
  const apart = Math.abs(a.connection.timeline.open - b.connection.timeline.open)
  if (apart > window) return undefined
  const outbound = a.connection.direction === 'outbound' ? a : b
  const inbound = outbound === a ? b : a
  return isSmaller(self, a.connection.remotePeer) ? inbound : outbound
}

/** Whether `a` is less than `b`, compared as bytes. */
export function isSmaller(a: PeerId, b: PeerId): boolean {
  const left = a.toMultihash().bytes
  const right = b.toMultihash().bytes
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return left.length < right.length
}
