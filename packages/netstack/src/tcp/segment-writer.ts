import {
  FLAG,
  MAX_SACK_BLOCKS,
  NOP_NOP_TIMESTAMPS,
  OPTION,
  TCP_HEADER,
  writeTcp
} from '../wire/tcp.ts'
import type { ByteRing } from './byte-ring.ts'
import type { Receiver } from './receiver.ts'
import type { SegmentSink } from './segment-sink.ts'
import { TIMESTAMPS_LENGTH, type Terms } from './terms.ts'

/** `NOP NOP SACK`, before the length of the option. */
const NOP_NOP_SACK = 0x010105

const SACKS = new Int32Array(2 * MAX_SACK_BLOCKS)

/** Writes the segments of one connection: header, options, payload out of the ring. */
export class SegmentWriter {
  readonly #localPort: number
  readonly #remotePort: number
  readonly #terms: Terms
  readonly #receiver: Receiver
  segments = 0
  /** Urgent pointer of the next segment with text; 0 for none. */
  urgent = 0

  constructor(localPort: number, remotePort: number, terms: Terms, receiver: Receiver) {
    this.#localPort = localPort
    this.#remotePort = remotePort
    this.#terms = terms
    this.#receiver = receiver
  }

  /** Bytes that the SACK option takes in the next segment. */
  get sackLength(): number {
    return this.#terms.sack ? sackLength(this.#blocks(MAX_SACK_BLOCKS)) : 0
  }

  #blocks(most: number): number {
    const room = this.#terms.timestamps ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS
    return Math.min(this.#receiver.blocks, room, most)
  }

  /**
   * Writes a segment that carries an acknowledgement, and a part of `ring` if `length` is not 0.
   *
   * @param segmentSize payload of each segment that a longer one is to be cut into
   * @param room bytes for the SACK option: it is cut down to that
   * @returns `false` when the sink is full: nothing happened
   */
  write(
    sink: SegmentSink,
    now: number,
    flags: number,
    seq: number,
    ring: ByteRing | undefined,
    offset: number,
    length: number,
    segmentSize: number,
    room: number
  ): boolean {
    const { timestamps, sack } = this.#terms
    const receiver = this.#receiver
    const blocks = sack && receiver.blocks > 0 ? this.#blocks(Math.max(0, (room - 4) >> 3)) : 0
    const header =
      TCP_HEADER + (timestamps ? TIMESTAMPS_LENGTH : 0) + (blocks > 0 ? sackLength(blocks) : 0)
    const at = sink.reserve(header + length)
    if (at < 0) return false
    const slab = sink.slab
    const window = receiver.announce()
    const { urgent } = this
    this.urgent = 0
    writeTcp(
      slab,
      at,
      this.#localPort,
      this.#remotePort,
      seq,
      receiver.next,
      header,
      flags | FLAG.ack | (urgent > 0 ? FLAG.urg : 0),
      window,
      urgent
    )
    const view = slab.view
    let option = at + TCP_HEADER
    if (timestamps) {
      view.setInt32(option, NOP_NOP_TIMESTAMPS)
      view.setInt32(option + 4, this.#terms.timestamp(now))
      view.setInt32(option + 8, receiver.tsRecent)
      option += TIMESTAMPS_LENGTH
    }
    if (blocks > 0) {
      const count = receiver.sacks(blocks, SACKS)
      view.setInt32(option, (NOP_NOP_SACK << 8) | (2 + 8 * count))
      for (let i = 0; i < 2 * count; i++) view.setInt32(option + 4 + 4 * i, SACKS[i] as number)
    }
    if (length > 0 && ring !== undefined) ring.copy(offset, length, slab.bytes, at + header)
    sink.commit(header + length, length > segmentSize ? segmentSize : 0)
    receiver.sent()
    this.segments++
    return true
  }

  /**
   * Writes a SYN or SYN-ACK with the options offered or agreed on.
   *
   * @param mss the MSS that we announce
   * @param offer which options go along
   */
  writeSyn(
    sink: SegmentSink,
    now: number,
    flags: number,
    seq: number,
    mss: number,
    window: number,
    offer: { readonly sack: boolean; readonly timestamps: boolean; readonly scaling: boolean }
  ): boolean {
    const header =
      TCP_HEADER +
      4 +
      (offer.timestamps ? TIMESTAMPS_LENGTH : offer.sack ? 4 : 0) +
      (offer.scaling ? 4 : 0)
    const at = sink.reserve(header)
    if (at < 0) return false
    const slab = sink.slab
    const acked = (flags & FLAG.ack) !== 0
    writeTcp(
      slab,
      at,
      this.#localPort,
      this.#remotePort,
      seq,
      acked ? this.#receiver.next : 0,
      header,
      flags,
      window
    )
    const view = slab.view
    let option = at + TCP_HEADER
    view.setInt32(option, (OPTION.mss << 24) | (4 << 16) | mss)
    option += 4
    // SACK-permitted takes the place of the two NOPs before the timestamps.
    const permitted = offer.sack ? (OPTION.sackPermitted << 24) | (2 << 16) : 0x01010000
    if (offer.timestamps) {
      view.setInt32(option, permitted | (OPTION.timestamps << 8) | 10)
      view.setInt32(option + 4, this.#terms.timestamp(now))
      view.setInt32(option + 8, acked ? this.#receiver.tsRecent : 0)
      option += TIMESTAMPS_LENGTH
    } else if (offer.sack) {
      view.setInt32(option, permitted | 0x0101)
      option += 4
    }
    if (offer.scaling) {
      view.setInt32(
        option,
        (OPTION.nop << 24) | (OPTION.windowScale << 16) | (3 << 8) | this.#receiver.scale
      )
    }
    sink.commit(header, 0)
    if (acked) this.#receiver.sent()
    this.segments++
    return true
  }

  /** Writes a bare RST, with an acknowledgement or not. */
  writeReset(sink: SegmentSink, seq: number, withAck: boolean): boolean {
    const at = sink.reserve(TCP_HEADER)
    if (at < 0) return false
    writeTcp(
      sink.slab,
      at,
      this.#localPort,
      this.#remotePort,
      seq,
      withAck ? this.#receiver.next : 0,
      TCP_HEADER,
      withAck ? FLAG.rst | FLAG.ack : FLAG.rst,
      0
    )
    sink.commit(TCP_HEADER, 0)
    this.segments++
    return true
  }
}

function sackLength(blocks: number): number {
  return blocks === 0 ? 0 : 4 + 8 * blocks
}
