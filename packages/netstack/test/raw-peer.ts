import type { Link } from '../src/link/link.ts'
import { PacketBatch } from '../src/link/packet-batch.ts'
import { parseAddress, versionOf } from '../src/stack/address.ts'
import { pseudoHeaderSum } from '../src/wire/checksum.ts'
import { IpView, PROTOCOL, parseIp } from '../src/wire/ip.ts'
import { writeIpv4 } from '../src/wire/ipv4.ts'
import { writeIpv6 } from '../src/wire/ipv6.ts'
import { Slab } from '../src/wire/slab.ts'
import { FLAG, TcpSegment, parseTcp, writeTcp, writeTcpChecksum } from '../src/wire/tcp.ts'

/** A segment to be sent; what is absent is 0, or what the peer is set to. */
export interface RawSegment {
  readonly from?: string
  readonly to?: string
  readonly sourcePort: number
  readonly destinationPort: number
  readonly seq: number
  readonly ack?: number
  readonly flags: number
  readonly window?: number
  readonly payload?: Uint8Array
  /** Option bytes; padded here. */
  readonly options?: readonly number[]
}

/** A segment that was received. */
export interface SeenSegment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly seq: number
  readonly ack: number
  readonly flags: number
  readonly window: number
  readonly payload: Uint8Array
  readonly hasTimestamps: boolean
  readonly sackBlocks: number
  readonly source: Int32Array
}

export const SYN = FLAG.syn
export const ACK = FLAG.ack
export const RST = FLAG.rst
export const FIN = FLAG.fin
export const PSH = FLAG.psh

/** Someone on the other end of a link who writes packets by hand, and reads what is answered. */
export class RawPeer {
  readonly seen: SeenSegment[] = []
  /** Packets that are no TCP. */
  readonly others: Uint8Array[] = []
  /** Bytes of the last timestamp seen, to be echoed. */
  lastTimestamp: number[] = []
  readonly #link: Link
  readonly #from: string
  readonly #to: string

  constructor(link: Link, from: string, to: string) {
    this.#link = link
    this.#from = from
    this.#to = to
    link.start({
      onPackets: batch => {
        for (let i = 0; i < batch.count; i++) this.#onPacket(batch, i)
      },
      onLinkClosed: () => {}
    })
  }

  /** The segments seen since the last call. */
  take(): SeenSegment[] {
    return this.seen.splice(0)
  }

  send(segment: RawSegment): void {
    this.sendPacket(tcpPacket({ from: this.#from, to: this.#to, ...segment }))
  }

  sendPacket(packet: Uint8Array): void {
    const batch = PacketBatch.of(1, packet.length)
    batch.push(packet)
    this.#link.send(batch)
  }

  #onPacket(batch: PacketBatch, i: number): void {
    const ip = new IpView()
    const at = batch.offset[i] ?? 0
    if (!parseIp(batch.slab, at, at + (batch.length[i] ?? 0), ip)) throw new Error('malformed')
    const tcp = new TcpSegment()
    if (ip.protocol !== PROTOCOL.tcp || !parseTcp(batch.slab, ip.payload, ip.end, tcp)) {
      this.others.push(batch.packet(i).slice())
      return
    }
    const { sourcePort, destinationPort, seq, ack, flags, window, hasTimestamps, sackBlocks } = tcp
    if (hasTimestamps) this.lastTimestamp = [24, 16, 8, 0].map(bits => (tcp.tsValue >>> bits) & 255)
    this.seen.push({
      sourcePort,
      destinationPort,
      seq,
      ack,
      flags,
      window,
      hasTimestamps,
      sackBlocks,
      payload: batch.bytes.slice(tcp.payload, tcp.end),
      source: ip.source.slice()
    })
  }
}

/** Writes a whole packet, checksums right. */
export function tcpPacket(segment: RawSegment & { from: string; to: string }): Uint8Array {
  const { payload = new Uint8Array(0), options = [], window = 65535, ack = 0 } = segment
  const source = parseAddress(segment.from) as Int32Array
  const destination = parseAddress(segment.to) as Int32Array
  const version = versionOf(destination)
  const ip = version === 4 ? 20 : 40
  const header = 20 + ((options.length + 3) & ~3)
  const length = header + payload.length
  const slab = new Slab(ip + length)
  if (version === 4)
    writeIpv4(
      slab,
      0,
      ip + length,
      1,
      0x4000,
      64,
      PROTOCOL.tcp,
      source[3] as number,
      destination[3] as number
    )
  else writeIpv6(slab, 0, length, PROTOCOL.tcp, 64, source, destination)
  writeTcp(
    slab,
    ip,
    segment.sourcePort,
    segment.destinationPort,
    segment.seq,
    ack,
    header,
    segment.flags,
    window
  )
  slab.bytes.set(options, ip + 20)
  slab.bytes.set(payload, ip + header)
  const pseudo = pseudoHeaderSum(version, source, destination, PROTOCOL.tcp)
  writeTcpChecksum(slab, ip, ip + length, pseudo + length)
  return slab.bytes.subarray(0, ip + length)
}
