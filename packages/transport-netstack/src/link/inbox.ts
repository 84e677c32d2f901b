import { CHECKSUM, type LinkReceiver, PacketBatch } from '@warren/netstack'
import { MAX_JOINED, continues, finishJoined, flagsOf, joinableHeader } from './joined-segments.ts'

/** Packets, and bytes, that are handed to the stack at once: some full bursts. */
const BATCH_PACKETS = 192
const BATCH_BYTES = 384 * 1024
/** Largest packet that a path of ours brings. */
const MAX_PACKET = 1_600
/** Batches that are kept for the next that needs one: one per inbox that is busy in the same turn. */
const KEPT_BATCHES = 4

const free: PacketBatch[] = []

/**
 * Collects the packets of one turn of the event loop, joins those that follow each other, and has the
 * stack work through them together and answer them together. Holds no memory while nothing arrives.
 */
export class Inbox {
  readonly #receiver: LinkReceiver
  #batch: PacketBatch | undefined
  /** The packet at the end of the batch that segments are joined to. */
  readonly #open = { at: -1, length: 0, header: 0, segment: 0, flags: 0, count: 0 }
  #closed = false

  constructor(receiver: LinkReceiver) {
    this.#receiver = receiver
  }

  /** Copies a packet in. One that is too large for any path of ours is dropped: `false`. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#closed || end - start > MAX_PACKET) return false
    const batch = this.#batch ?? this.#begin()
    const open = this.#open
    if (
      open.at >= 0 &&
      continues(batch.bytes, open.at, open.length, open.header, bytes, start, end)
    ) {
      this.#join(batch, bytes, start, end)
      return true
    }
    this.#commitOpen(batch)
    const header = joinableHeader(bytes, start, end)
    let at = batch.reserve(header > 0 ? MAX_JOINED : end - start)
    if (at < 0) {
      this.#receiver.onPackets(batch)
      batch.clear()
      at = batch.reserve(MAX_JOINED)
    }
    batch.bytes.set(bytes.subarray(start, end), at)
    open.at = at
    open.length = end - start
    open.header = header
    open.segment = end - start - header
    open.flags = flagsOf(bytes, start)
    open.count = 1
    if (header === 0) this.#commitOpen(batch)
    return true
  }

  /** Drops what waits. */
  close(): void {
    this.#closed = true
  }

  #join(batch: PacketBatch, bytes: Uint8Array, start: number, end: number): void {
    const open = this.#open
    batch.bytes.set(bytes.subarray(start + open.header, end), open.at + open.length)
    const payload = end - start - open.header
    open.length += payload
    open.flags = flagsOf(bytes, start)
    open.count++
    // A shorter or pushed segment is the last that can be cut off again where it was.
    if (payload !== open.segment || joinableHeader(bytes, start, end) === 0) this.#commitOpen(batch)
  }

  #commitOpen(batch: PacketBatch): void {
    const { at, length, segment, flags, count } = this.#open
    if (at < 0) return
    if (count > 1) finishJoined(batch.bytes, at, length, flags)
    // It came through a socket whose datagrams have a checksum of their own, spec.md §4.
    batch.commit(length, count > 1 ? segment : 0, CHECKSUM.partial)
    this.#open.at = -1
  }

  #begin(): PacketBatch {
    setImmediate(() => this.#deliver())
    this.#batch = free.pop() ?? new PacketBatch(BATCH_PACKETS, BATCH_BYTES)
    return this.#batch
  }

  #deliver(): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#commitOpen(batch)
    this.#batch = undefined
    if (!this.#closed) this.#receiver.onPackets(batch)
    batch.clear()
    if (free.length < KEPT_BATCHES) free.push(batch)
  }
}
