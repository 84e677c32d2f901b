import { encodeVarint, sentChunks, varintSize } from '@warren/utils'
import { FRAME } from './codes.ts'
import { FRAME_OVERHEAD, PACKET_BYTES } from './limits.ts'
import { Fifo } from '../fifo.ts'

/** Bytes of the length field. */
const LENGTH_BYTES = 4

/**
 * Writes frames one behind the other into packets for the link. Values of one binding that follow
 * each other share a `data` frame. A frame may span packets: the packets joined are what counts.
 */
export class FrameWriter {
  readonly #packetBytes: number
  readonly #packets = new Fifo<Uint8Array>()
  #waiting = 0
  /** Grows to the size of a packet: an idle link holds little. */
  #batch = new Uint8Array(0)
  #used = 0
  /** The `data` frame at the end of the batch that takes more values: where it begins, and of whom. */
  #frameAt = -1
  #frameId = -1

  constructor(packetBytes: number) {
    this.#packetBytes = Math.min(packetBytes, PACKET_BYTES)
  }

  /** Bytes that no {@link FrameWriter.packet} has returned yet. */
  get waitingBytes(): number {
    return this.#waiting + this.#used
  }

  /** A whole packet is ready; what is behind it may still grow. */
  get hasFullPacket(): boolean {
    return this.#packets.length > 0
  }

  /** Writes a control frame. */
  frame(type: number, id: number, body: Uint8Array): void {
    const head = new Uint8Array(FRAME_OVERHEAD)
    const idEnd = encodeVarint(id, head, LENGTH_BYTES + 1)
    head[LENGTH_BYTES] = type
    writeLength(head, 0, idEnd - LENGTH_BYTES + body.length)
    this.#endFrame()
    this.#write(head.subarray(0, idEnd))
    this.#write(body)
  }

  /** Writes one value of a binding; its bytes are copied. */
  value(id: number, bytes: Uint8Array): void {
    const need = varintSize(bytes.length) + bytes.length
    if (id !== this.#frameId || need > this.#packetBytes - this.#used) {
      this.#endFrame()
      if (need + FRAME_OVERHEAD > this.#packetBytes) return this.#longValue(id, bytes)
      if (need + FRAME_OVERHEAD > this.#packetBytes - this.#used) this.#endPacket()
      this.#grow(this.#used + need + FRAME_OVERHEAD)
      this.#frameAt = this.#used
      this.#frameId = id
      this.#batch[this.#used + LENGTH_BYTES] = FRAME.data
      this.#used = encodeVarint(id, this.#batch, this.#used + LENGTH_BYTES + 1)
    }
    if (this.#used + need > this.#batch.length) this.#grow(this.#used + need)
    this.#used = encodeVarint(bytes.length, this.#batch, this.#used)
    this.#batch.set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** The next packet, the caller's from now on; `undefined` when nothing waits. */
  packet(): Uint8Array | undefined {
    const full = this.#packets.shift()
    if (full !== undefined) {
      this.#waiting -= full.length
      return full
    }
    if (this.#used === 0) return undefined
    this.#endFrame()
    // A small packet is copied and the batch kept, so that it costs no buffer of full size.
    if (this.#used * 4 <= this.#batch.length) {
      const small = this.#batch.slice(0, this.#used)
      this.#used = 0
      return small
    }
    return this.#renew()
  }

  /** Drops everything that waits. */
  clear(): void {
    this.#packets.drain()
    this.#waiting = 0
    this.#used = 0
    this.#frameAt = -1
    this.#frameId = -1
  }

  /** A value too long to share a packet has a frame of its own, of a length known beforehand. */
  #longValue(id: number, bytes: Uint8Array): void {
    const head = new Uint8Array(FRAME_OVERHEAD + 8)
    head[LENGTH_BYTES] = FRAME.data
    const idEnd = encodeVarint(id, head, LENGTH_BYTES + 1)
    const end = encodeVarint(bytes.length, head, idEnd)
    writeLength(head, 0, end - LENGTH_BYTES + bytes.length)
    this.#write(head.subarray(0, end))
    this.#write(bytes)
  }

  #write(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#used === this.#packetBytes) this.#endPacket()
      const part = rest.subarray(0, this.#packetBytes - this.#used)
      this.#grow(this.#used + part.length)
      this.#batch.set(part, this.#used)
      this.#used += part.length
      rest = rest.subarray(part.length)
    }
  }

  #endFrame(): void {
    if (this.#frameAt < 0) return
    writeLength(this.#batch, this.#frameAt, this.#used - this.#frameAt - LENGTH_BYTES)
    this.#frameAt = -1
    this.#frameId = -1
  }

  #endPacket(): void {
    if (this.#used === 0) return
    const packet = this.#renew()
    this.#packets.push(packet)
    this.#waiting += packet.length
  }

  /**
   * Gives what the batch holds away, to be freed by the link when it has left, and begins another as
   * large: the next will be like it.
   */
  #renew(): Uint8Array {
    const batch = sentChunks.mark(this.#batch)
    const packet = batch.subarray(0, this.#used)
    sentChunks.move(batch, packet)
    this.#batch = new Uint8Array(batch.length)
    this.#used = 0
    return packet
  }

  #grow(need: number): void {
    if (need <= this.#batch.length) return
    const larger = new Uint8Array(
      Math.min(this.#packetBytes, Math.max(need, this.#batch.length * 2, 1_024))
    )
    larger.set(this.#batch.subarray(0, this.#used))
    this.#batch = larger
  }
}

function writeLength(target: Uint8Array, at: number, length: number): void {
  target[at] = length >>> 24
  target[at + 1] = (length >>> 16) & 0xff
  target[at + 2] = (length >>> 8) & 0xff
  target[at + 3] = length & 0xff
}
