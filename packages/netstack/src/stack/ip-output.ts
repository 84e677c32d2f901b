import type { Link } from '../link/link.ts'
import { CHECKSUM, PacketBatch } from '../link/packet-batch.ts'
import type { SegmentSink } from '../tcp/segment-sink.ts'
import { fold } from '../wire/checksum.ts'
import { PROTOCOL } from '../wire/ip.ts'
import { IPV4_HEADER, writeIpv4 } from '../wire/ipv4.ts'
import { IPV6_HEADER, writeIpv6 } from '../wire/ipv6.ts'
import type { Slab } from '../wire/slab.ts'
import { writeTcpChecksum } from '../wire/tcp.ts'
import type { Flow } from './flow-table.ts'

/** Packets, and bytes, that leave in one batch at most. */
const BATCH_PACKETS = 100
const MAX_BATCH_BYTES = 1024 * 1024

/** Headers of a super-segment at most: IPv6 and TCP with all options. */
const MAX_HEADERS = 100

const DONT_FRAGMENT = 0x4000
const DEFAULT_TTL = 64

/** Who sends to whom, and what is the same in all its segments. */
export interface OutputFlow extends Flow {
  readonly version: 4 | 6
  /** `pseudoHeaderSum` without the length. */
  readonly pseudo: number
}

/** Sees each packet that passes an interface. */
export type PacketTap = (batch: PacketBatch, i: number, direction: 'in' | 'out') => void

/**
 * Puts IP headers before what connections and datagrams write, and sends them in batches. As a
 * {@link SegmentSink} it serves one connection at a time: `target` first, then `Tcb.poll`.
 */
export class IpOutput implements SegmentSink {
  readonly maxPayload: number
  /** Sees what is sent, and what the interface receives. */
  tap: PacketTap | undefined
  readonly #link: Link
  readonly #batch: PacketBatch
  readonly #partial: boolean
  #flow: OutputFlow | undefined
  #ipHeader = IPV4_HEADER
  #at = 0
  #identification = 0

  constructor(link: Link) {
    this.#link = link
    const { segmentation, checksum } = link.capabilities
    this.maxPayload = segmentation === 0 ? 0 : segmentation - MAX_HEADERS
    this.#partial = checksum
    const largest = Math.max(link.mtu, segmentation)
    this.#batch = new PacketBatch(
      BATCH_PACKETS,
      Math.min(MAX_BATCH_BYTES, BATCH_PACKETS * (largest + 64)) + 64
    )
  }

  get slab(): Slab {
    return this.#batch.slab
  }

  /** What is reserved from now on belongs to this flow. */
  target(flow: OutputFlow): void {
    this.#flow = flow
    this.#ipHeader = flow.version === 4 ? IPV4_HEADER : IPV6_HEADER
  }

  reserve(length: number): number {
    const size = length + this.#ipHeader
    let at = this.#batch.reserve(size)
    if (at < 0) {
      this.flush()
      at = this.#batch.reserve(size)
      if (at < 0) return -1
    }
    this.#at = at
    return at + this.#ipHeader
  }

  commit(length: number, segmentSize: number): void {
    const flow = this.#flow as OutputFlow
    const slab = this.#batch.slab
    const ip = this.#at
    const tcp = ip + this.#ipHeader
    this.#writeIp(
      flow.version,
      ip,
      length,
      PROTOCOL.tcp,
      DEFAULT_TTL,
      flow.local,
      flow.remote,
      DONT_FRAGMENT
    )
    const pseudo = flow.pseudo + length
    if (this.#partial) {
      slab.view.setUint16(tcp + 16, fold(pseudo))
      this.#batch.commit(length + this.#ipHeader, segmentSize, CHECKSUM.partial)
    } else {
      writeTcpChecksum(slab, tcp, tcp + length, pseudo)
      this.#batch.commit(length + this.#ipHeader, segmentSize)
    }
  }

  /**
   * Room for the payload of one packet that is not a connection's.
   *
   * @returns its offset in `slab`, or -1 when it is larger than the link
   */
  reserveDatagram(version: 4 | 6, length: number): number {
    this.#ipHeader = version === 4 ? IPV4_HEADER : IPV6_HEADER
    return length + this.#ipHeader > this.#link.mtu ? -1 : this.reserve(length)
  }

  /** The payload has been written, checksum and all. */
  commitDatagram(
    source: Int32Array,
    destination: Int32Array,
    version: 4 | 6,
    length: number,
    protocol: number,
    ttl = DEFAULT_TTL,
    fragmentation = 0,
    identification = this.#nextId()
  ): void {
    this.#writeIp(
      version,
      this.#at,
      length,
      protocol,
      ttl,
      source,
      destination,
      fragmentation,
      identification
    )
    this.#batch.commit(length + this.#ipHeader)
  }

  /** Copies a whole packet in, header and all. */
  forward(packet: Uint8Array, segmentSize: number, checksum: 0 | 1 | 2): void {
    if (this.#batch.push(packet, segmentSize, checksum)) return
    this.flush()
    this.#batch.push(packet, segmentSize, checksum)
  }

  /** Hands what has been written to the link. */
  flush(): void {
    const batch = this.#batch
    if (batch.count === 0) return
    if (this.tap !== undefined) for (let i = 0; i < batch.count; i++) this.tap(batch, i, 'out')
    this.#link.send(batch)
    batch.clear()
  }

  #writeIp(
    version: 4 | 6,
    at: number,
    length: number,
    protocol: number,
    ttl: number,
    source: Int32Array,
    destination: Int32Array,
    fragmentation: number,
    identification = this.#nextId()
  ): void {
    if (version === 4)
      writeIpv4(
        this.#batch.slab,
        at,
        length + IPV4_HEADER,
        identification,
        fragmentation,
        ttl,
        protocol,
        source[3] as number,
        destination[3] as number
      )
    else writeIpv6(this.#batch.slab, at, length, protocol, ttl, source, destination)
  }

  #nextId(): number {
    return (this.#identification = (this.#identification + 1) & 0xffff)
  }
}
