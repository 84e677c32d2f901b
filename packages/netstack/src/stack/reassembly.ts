import type { IpView } from '../wire/ip.ts'
import { Slab } from '../wire/slab.ts'

/** Largest IP payload. */
const MAX_PAYLOAD = 65535

/** Pieces of one packet at most: honest senders cut a packet into 45 at an MTU of 1500. */
const MAX_PIECES = 128

/** How long we wait for the rest of a packet, in ms (RFC 8200 §4.5 says 60 s; Linux 30 s for IPv4). */
const TIMEOUT = 30_000

/** Limits of a {@link Reassembly}. */
export interface ReassemblyLimits {
  /** Bytes of all incomplete packets. */
  readonly maxBytes: number
  /** Incomplete packets. */
  readonly maxPackets: number
}

interface Piece {
  readonly start: number
  readonly end: number
}

interface Incomplete {
  readonly key: string
  readonly until: number
  /** In order, without gaps that could be closed; none overlaps another. */
  readonly pieces: Piece[]
  /** Where the payload ends, once the last piece is here. */
  total: number
  slab: Slab
  /** Bytes counted against the limit. */
  held: number
}

/** A payload put together from its pieces. */
export interface Reassembled {
  readonly slab: Slab
  /** Its length; it starts at 0. */
  readonly length: number
}

/**
 * Puts fragmented packets together. Packets with overlapping pieces are dropped whole (RFC 5722, and
 * the same for IPv4): nobody makes them but to smuggle something. When a limit is reached the oldest
 * incomplete packet goes.
 */
export class Reassembly {
  readonly #limits: ReassemblyLimits
  /** In the order in which they were begun. */
  readonly #incomplete = new Map<string, Incomplete>()
  #bytes = 0
  /** Packets given up: too old, over a limit, overlapping or malformed. */
  dropped = 0
  /** Packets completed. */
  completed = 0

  constructor(limits: ReassemblyLimits) {
    this.#limits = limits
  }

  /** Incomplete packets, and the memory that they hold. */
  get waiting(): { readonly packets: number; readonly bytes: number } {
    return { packets: this.#incomplete.size, bytes: this.#bytes }
  }

  /** Takes a fragment; the payload of the packet when it was the last that lacked. */
  add(slab: Slab, ip: IpView, now: number): Reassembled | undefined {
    this.expire(now)
    const start = ip.fragmentOffset
    const end = start + ip.end - ip.payload
    const key = `${ip.source.join()} ${ip.destination.join()} ${ip.protocol} ${ip.identification}`
    let packet = this.#incomplete.get(key)
    if (
      end === start ||
      end > MAX_PAYLOAD ||
      (ip.moreFragments && (end & 7) !== 0) ||
      // A TCP header cut in two hides its flags from filters (RFC 3128).
      (start === 8 && ip.protocol === 6)
    ) {
      this.#giveUp(packet)
      return undefined
    }
    if (packet === undefined) {
      packet = {
        key,
        until: now + TIMEOUT,
        pieces: [],
        total: -1,
        slab: new Slab(0),
        held: 0
      }
      this.#incomplete.set(key, packet)
    }
    if (!this.#insert(packet, { start, end }, ip.moreFragments)) return undefined
    this.#reserve(packet, end)
    packet.slab.bytes.set(slab.bytes.subarray(ip.payload, ip.end), start)
    const only = packet.pieces[0]
    if (packet.total >= 0 && packet.pieces.length === 1 && only?.start === 0) {
      this.#forget(packet)
      this.completed++
      return { slab: packet.slab, length: packet.total }
    }
    this.#enforce()
    return undefined
  }

  /** Gives up what has waited too long. */
  expire(now: number): void {
    for (const packet of this.#incomplete.values()) {
      if (packet.until > now) return
      this.#giveUp(packet)
    }
  }

  /** Adds a piece to the list; `false` when the fragment is not to be used. */
  #insert(packet: Incomplete, piece: Piece, more: boolean): boolean {
    const { pieces } = packet
    if (!more) {
      if (packet.total >= 0 && packet.total !== piece.end) return this.#giveUp(packet)
      if ((pieces.at(-1)?.end ?? 0) > piece.end) return this.#giveUp(packet)
      packet.total = piece.end
    } else if (packet.total >= 0 && piece.end > packet.total) return this.#giveUp(packet)
    let at = pieces.findIndex(other => other.start >= piece.start)
    if (at < 0) at = pieces.length
    const before = pieces[at - 1]
    const after = pieces[at]
    if (before !== undefined && before.end > piece.start) {
      // The same fragment once more is no overlap; merged pieces cannot tell, and lose nothing.
      return piece.end <= before.end ? false : this.#giveUp(packet)
    }
    if (after !== undefined && piece.end > after.start) {
      return piece.start === after.start && piece.end <= after.end ? false : this.#giveUp(packet)
    }
    const joinsBefore = before !== undefined && before.end === piece.start
    const joinsAfter = after !== undefined && after.start === piece.end
    pieces.splice(joinsBefore ? at - 1 : at, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), {
      start: joinsBefore ? before.start : piece.start,
      end: joinsAfter ? after.end : piece.end
    })
    return pieces.length <= MAX_PIECES || this.#giveUp(packet)
  }

  /** Room for `size` bytes, doubled as it grows so that pieces in order are not copied each time. */
  #reserve(packet: Incomplete, size: number): void {
    if (packet.slab.size >= size) return
    const larger = new Slab(Math.min(Math.max(size, 2 * packet.slab.size, 4096), MAX_PAYLOAD + 1))
    larger.bytes.set(packet.slab.bytes)
    packet.slab = larger
    this.#bytes += larger.size - packet.held
    packet.held = larger.size
  }

  #enforce(): void {
    for (const oldest of this.#incomplete.values()) {
      if (this.#bytes <= this.#limits.maxBytes && this.#incomplete.size <= this.#limits.maxPackets)
        return
      this.#giveUp(oldest)
    }
  }

  #giveUp(packet: Incomplete | undefined): false {
    this.dropped++
    if (packet !== undefined) this.#forget(packet)
    return false
  }

  #forget(packet: Incomplete): void {
    this.#incomplete.delete(packet.key)
    this.#bytes -= packet.held
  }
}
