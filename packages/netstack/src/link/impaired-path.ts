import type { Clock, ClockTimer } from '../stack/clock.ts'
import type { FullImpairments, Impairments } from './impairments.ts'
import { fullImpairments, isPerfect } from './impairments.ts'
import type { LinkReceiver } from './link.ts'
import type { ChecksumState } from './packet-batch.ts'
import { CHECKSUM, HEADROOM, PacketBatch } from './packet-batch.ts'

/** A packet under way. */
interface Flight {
  readonly due: number
  /** Packets due at the same moment arrive in the order in which they were sent. */
  readonly order: number
  readonly bytes: Uint8Array
  readonly segmentSize: number
  readonly checksum: ChecksumState
}

/** Packets handed over in one call at most. */
const BATCH_PACKETS = 128
const BATCH_BYTES = 1024 * 1024

/** Memory in emptied batches that are kept to be used again. */
const SPARE_BYTES = 16 * 1024 * 1024

/** One direction of a memory link. */
export class ImpairedPath {
  /** Counts: what was sent in, what came out, what was lost on the way. */
  packetsIn = 0
  bytesIn = 0
  packetsOut = 0
  bytesOut = 0
  dropped = 0

  readonly #clock: Clock
  readonly #random: () => number
  readonly #capacity: number
  readonly #timer: ClockTimer
  readonly #lent = new PacketBatch(BATCH_PACKETS, BATCH_BYTES)
  #how: FullImpairments
  #perfect: boolean
  #receiver: LinkReceiver | undefined
  #ended = false

  /** Whole batches that wait for their turn, and emptied ones to use again. */
  #ready: PacketBatch[] = []
  readonly #spare: PacketBatch[] = []
  readonly #batchBytes: number
  #soon = false

  /** Packets under way, by due time: in order but for those that were held back. */
  readonly #flights: Flight[] = []
  #bytesUnderWay = 0
  #order = 0
  /** When the last byte that waits for the rate has left. */
  #rateFree = 0
  #lastDue = 0

  /** @param maxPacket - the largest packet that will be sent in */
  constructor(
    clock: Clock,
    random: () => number,
    capacity: number,
    maxPacket: number,
    how: Impairments
  ) {
    this.#clock = clock
    this.#random = random
    this.#capacity = capacity
    this.#timer = clock.timer(() => this.#deliverDue())
    this.#how = fullImpairments(how)
    this.#perfect = isPerfect(this.#how)
    this.#batchBytes = Math.min(BATCH_BYTES, (BATCH_PACKETS + 1) * (maxPacket + 2 * HEADROOM))
  }

  impair(how: Impairments): void {
    this.#how = fullImpairments(how)
    this.#perfect = isPerfect(this.#how)
  }

  deliverTo(receiver: LinkReceiver): void {
    this.#receiver = receiver
  }

  /** Nothing arrives any more. */
  end(): void {
    this.#ended = true
    this.#ready = []
    this.#flights.length = 0
    this.#bytesUnderWay = 0
    this.#timer.clear()
  }

  send(batch: PacketBatch): void {
    if (this.#ended) {
      this.dropped += batch.count
      return
    }
    for (let i = 0; i < batch.count; i++) {
      this.packetsIn++
      this.bytesIn += batch.length[i] ?? 0
    }
    // While packets of an impaired time are under way, later ones must not overtake them.
    if (this.#perfect && this.#flights.length === 0) this.#hand(batch)
    else for (let i = 0; i < batch.count; i++) this.#launch(batch, i)
  }

  /** The perfect path: packets are copied once, and arrive in the next turn. */
  #hand(batch: PacketBatch): void {
    let into = this.#ready.at(-1)
    for (let i = 0; i < batch.count; i++) {
      const length = batch.length[i] ?? 0
      if (this.#bytesUnderWay + length > this.#capacity) {
        this.dropped++
        continue
      }
      let at = into?.reserve(length) ?? -1
      if (into === undefined || at < 0) {
        into = this.#spare.pop() ?? new PacketBatch(BATCH_PACKETS, this.#batchBytes)
        at = into.reserve(length)
        this.#ready.push(into)
      }
      const from = batch.offset[i] ?? 0
      into.bytes.set(batch.bytes.subarray(from, from + length), at)
      into.commit(length, batch.segmentSize[i] ?? 0, checksumOf(batch, i))
      this.#bytesUnderWay += length
    }
    if (this.#soon || this.#ready.length === 0) return
    this.#soon = true
    this.#clock.later(() => this.#deliverReady())
  }

  #deliverReady(): void {
    this.#soon = false
    const ready = this.#ready
    this.#ready = []
    for (const batch of ready) {
      this.#arrived(batch)
      batch.clear()
      if (this.#spare.length * this.#batchBytes < SPARE_BYTES) this.#spare.push(batch)
    }
  }

  /** Draws one packet's fate. */
  #launch(batch: PacketBatch, i: number): void {
    const how = this.#how
    const length = batch.length[i] ?? 0
    const random = this.#random
    if (
      (how.blackHole > 0 && length > how.blackHole) ||
      (how.loss > 0 && random() < how.loss) ||
      this.#bytesUnderWay + length > this.#capacity
    ) {
      this.dropped++
      return
    }
    const now = this.#clock.now()
    let leaves = now
    if (how.rate > 0) {
      const waiting = Math.max(this.#rateFree - now, 0)
      // A packet always fits an empty queue: a super-segment may be larger than all of it.
      if (waiting > 0 && (waiting * how.rate) / 1000 + length > how.queue) {
        this.dropped++
        return
      }
      leaves = this.#rateFree = now + waiting + (length * 1000) / how.rate
    }
    let due = leaves + how.delay + (how.jitter > 0 ? random() * how.jitter : 0)
    if (how.reorder > 0 && random() < how.reorder) due += random() * how.reorderDelay
    else due = this.#lastDue = Math.max(due, this.#lastDue)
    const copies = how.duplicate > 0 && random() < how.duplicate ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const bytes = batch.packet(i).slice()
      if (how.corrupt > 0 && random() < how.corrupt) {
        const at = Math.floor(random() * length)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8))
      }
      this.#fly({
        due,
        order: this.#order++,
        bytes,
        segmentSize: batch.segmentSize[i] ?? 0,
        checksum: checksumOf(batch, i)
      })
    }
  }

  /** Puts a packet in its place; nearly always that is the end. */
  #fly(flight: Flight): void {
    const flights = this.#flights
    let low = flights.length
    if (low > 0 && (flights[low - 1]?.due ?? 0) > flight.due) {
      low = 0
      for (let high = flights.length; low < high; ) {
        const middle = (low + high) >> 1
        if ((flights[middle]?.due ?? 0) <= flight.due) low = middle + 1
        else high = middle
      }
    }
    flights.splice(low, 0, flight)
    this.#bytesUnderWay += flight.bytes.length
    const first = flights[0]
    if (first !== undefined) this.#timer.set(first.due)
  }

  #deliverDue(): void {
    const now = this.#clock.now()
    const flights = this.#flights
    let taken = 0
    for (const flight of flights) {
      if (flight.due > now) break
      taken++
    }
    for (const flight of flights.splice(0, taken)) {
      if (this.#lent.reserve(flight.bytes.length) < 0) this.#flushLent()
      this.#lent.push(flight.bytes, flight.segmentSize, flight.checksum)
    }
    this.#flushLent()
    const first = flights[0]
    if (first !== undefined) this.#timer.set(first.due)
  }

  #flushLent(): void {
    if (this.#lent.count > 0) this.#arrived(this.#lent)
    this.#lent.clear()
  }

  #arrived(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const length = batch.length[i] ?? 0
      this.packetsOut++
      this.bytesOut += length
      this.#bytesUnderWay -= length
    }
    if (!this.#ended) this.#receiver?.onPackets(batch)
  }
}

function checksumOf(batch: PacketBatch, i: number): ChecksumState {
  return (batch.checksum[i] ?? CHECKSUM.full) as ChecksumState
}
