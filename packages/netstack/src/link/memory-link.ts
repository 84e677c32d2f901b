import type { Clock } from '../stack/clock.ts'
import { systemClock } from '../stack/system-clock.ts'
import type { Impairments } from './impairments.ts'
import { ImpairedPath } from './impaired-path.ts'
import type { Link, LinkCapabilities, LinkReceiver, LinkStats } from './link.ts'
import type { PacketBatch } from './packet-batch.ts'
import { seededRandom } from './seeded-random.ts'

/** Options of {@link memoryLinkPair}. */
export interface MemoryLinkOptions {
  /**
   * Largest packet in bytes.
   * @default 1500
   */
  readonly mtu?: number
  /**
   * Largest super-segment in bytes that passes uncut; 0 for none.
   * @default 0
   */
  readonly segmentation?: number
  /**
   * Checksums are neither made nor verified.
   * @default false
   */
  readonly skipChecksums?: boolean
  /** What happens to packets from the first end to the second. */
  readonly forward?: Impairments
  /** What happens to packets from the second end to the first. */
  readonly backward?: Impairments
  /**
   * Seed of the impairments.
   * @default 1
   */
  readonly seed?: number
  /**
   * Bytes under way at most in each direction; what would pass it is lost.
   * @default 67108864
   */
  readonly capacity?: number
  /**
   * Where time comes from.
   * @default the machine's clock
   */
  readonly clock?: Clock
}

/** One end of a memory link. */
export interface MemoryLink extends Link {
  /** From now on packets that this end sends are treated so. */
  impair(impairments: Impairments): void
}

/** Two links in one process, each the other's peer. */
export function memoryLinkPair(options: MemoryLinkOptions = {}): [MemoryLink, MemoryLink] {
  const clock = options.clock ?? systemClock
  const seed = options.seed ?? 1
  const capacity = options.capacity ?? 64 * 1024 * 1024
  const most = Math.max(options.mtu ?? 1500, options.segmentation ?? 0)
  const there = new ImpairedPath(clock, seededRandom(seed), capacity, most, options.forward ?? {})
  const back = new ImpairedPath(
    clock,
    seededRandom(seed ^ 0x5bd1e995),
    capacity,
    most,
    options.backward ?? {}
  )
  const properties = {
    mtu: options.mtu ?? 1500,
    capabilities: {
      checksum: options.skipChecksums ?? false,
      segmentation: options.segmentation ?? 0
    }
  }
  return [new MemoryEnd(properties, there, back), new MemoryEnd(properties, back, there)]
}

class MemoryEnd implements MemoryLink {
  readonly mtu: number
  readonly capabilities: LinkCapabilities
  readonly #out: ImpairedPath
  readonly #in: ImpairedPath
  #closed = false

  constructor(
    { mtu, capabilities }: { mtu: number; capabilities: LinkCapabilities },
    out: ImpairedPath,
    incoming: ImpairedPath
  ) {
    this.mtu = mtu
    this.capabilities = capabilities
    this.#out = out
    this.#in = incoming
  }

  get stats(): LinkStats {
    return {
      packetsSent: this.#out.packetsIn,
      bytesSent: this.#out.bytesIn,
      packetsReceived: this.#in.packetsOut,
      bytesReceived: this.#in.bytesOut,
      dropped: this.#out.dropped
    }
  }

  impair(impairments: Impairments): void {
    this.#out.impair(impairments)
  }

  send(batch: PacketBatch): void {
    if (!this.#closed) this.#out.send(batch)
  }

  start(receiver: LinkReceiver): void {
    this.#in.deliverTo(receiver)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#in.end()
  }
}
