import { Slab } from '../wire/slab.ts'

/**
 * Bytes left free before each packet, so that a link can put its own header in front (10 of a
 * virtio-net header, a few of a UDP encapsulation) without moving the packet. A multiple of 4 keeps
 * IP headers aligned.
 */
export const HEADROOM = 32

/** What is known of a packet's transport checksum. */
export const CHECKSUM = {
  /** Sent: it is complete. Received: it must be verified. */
  full: 0,
  /**
   * The field holds the sum of the pseudo header; whoever puts the packet on a wire completes it.
   * Received: the packet never was on one, there is nothing to verify.
   */
  partial: 1,
  /** Received: the link has verified it. */
  verified: 2
} as const

/** A member of {@link CHECKSUM}. */
export type ChecksumState = (typeof CHECKSUM)[keyof typeof CHECKSUM]

/**
 * IP packets that travel together: one slab of bytes and parallel arrays of numbers, so that nothing
 * is allocated per packet. A batch is owned by whoever fills it and lent to whoever it is handed to,
 * for the length of that call only.
 *
 * Filling: `reserve(size)` gives the offset at which at most `size` bytes may be written, or -1 when
 * the batch is full; `commit(length)` makes them a packet.
 */
export class PacketBatch {
  /** The memory that the packets lie in. */
  readonly slab: Slab
  /** The same as bytes. Packet `i` is `bytes.subarray(offset[i], offset[i] + length[i])`. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where packet `i` begins; always a multiple of 4, with {@link HEADROOM} free bytes before it. */
  readonly offset: Int32Array
  /** Length of packet `i` in bytes, from its IP header on. */
  readonly length: Int32Array
  /**
   * Payload bytes per segment when packet `i` stands for several TCP segments (the link or the
   * machine behind it cuts it, or has joined it); 0 for an ordinary packet.
   */
  readonly segmentSize: Int32Array
  /** A {@link CHECKSUM} of packet `i`. */
  readonly checksum: Uint8Array
  /** Packets in the batch. */
  count = 0

  readonly #maxPackets: number
  #end = HEADROOM

  /**
   * @param maxPackets - packets that fit
   * @param maxBytes - bytes that fit, headroom included
   */
  constructor(maxPackets: number, maxBytes: number) {
    this.#maxPackets = maxPackets
    this.slab = new Slab(maxBytes)
    this.bytes = this.slab.bytes
    this.offset = new Int32Array(maxPackets)
    this.length = new Int32Array(maxPackets)
    this.segmentSize = new Int32Array(maxPackets)
    this.checksum = new Uint8Array(maxPackets)
  }

  /** A batch of `packets` packets of up to `maxPacket` bytes each. */
  static of(packets: number, maxPacket: number): PacketBatch {
    return new PacketBatch(packets, HEADROOM + packets * (((maxPacket + 3) & ~3) + HEADROOM))
  }

  /** Where a packet of at most `size` bytes may be written; -1 when it does not fit. */
  reserve(size: number): number {
    if (this.count === this.#maxPackets || this.#end + size > this.bytes.length) return -1
    return this.#end
  }

  /** Makes the `length` bytes at the reserved offset a packet. */
  commit(length: number, segmentSize = 0, checksum: ChecksumState = CHECKSUM.full): void {
    const i = this.count++
    this.offset[i] = this.#end
    this.length[i] = length
    this.segmentSize[i] = segmentSize
    this.checksum[i] = checksum
    this.#end = ((this.#end + length + 3) & ~3) + HEADROOM
  }

  /** Copies a packet in; `false` when it does not fit. */
  push(packet: Uint8Array, segmentSize = 0, checksum: ChecksumState = CHECKSUM.full): boolean {
    const at = this.reserve(packet.length)
    if (at < 0) return false
    this.bytes.set(packet, at)
    this.commit(packet.length, segmentSize, checksum)
    return true
  }

  /** A view of packet `i`, valid while the batch is. */
  packet(i: number): Uint8Array<ArrayBuffer> {
    const at = this.offset[i] ?? 0
    return this.bytes.subarray(at, at + (this.length[i] ?? 0))
  }

  /** Empties the batch. */
  clear(): void {
    this.count = 0
    this.#end = HEADROOM
  }
}
