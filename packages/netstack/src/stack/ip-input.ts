import type { LinkReceiver } from '../link/link.ts'
import { CHECKSUM, type PacketBatch } from '../link/packet-batch.ts'
import { IpView, PROTOCOL, parseIp } from '../wire/ip.ts'
import { ipv4ChecksumOk } from '../wire/ipv4.ts'
import type { Slab } from '../wire/slab.ts'
import { isLoopback, isMulticast, isUnspecified } from './address.ts'
import type { IcmpEndpoint } from './icmp-endpoint.ts'
import type { NetInterface } from './net-interface.ts'
import type { Reassembly } from './reassembly.ts'
import type { StackContext } from './stack-context.ts'
import type { TcpEndpoints } from './tcp-endpoints.ts'
import type { UdpEndpoints } from './udp-endpoints.ts'

/** What packets are handed to. */
export interface IpUppers {
  readonly context: StackContext
  readonly tcp: TcpEndpoints
  readonly udp: UdpEndpoints
  readonly icmp: IcmpEndpoint
  readonly reassembly: Reassembly
  /**
   * Passes a packet for somebody else on.
   *
   * @returns `false` when this stack does not
   */
  forward(via: NetInterface, batch: PacketBatch, i: number, ip: IpView, now: number): boolean
}

/** The receiving side of one interface: checks packets and hands them to who they are for. */
export class IpInput implements LinkReceiver {
  readonly #via: NetInterface
  readonly #uppers: IpUppers
  readonly #onClosed: (error?: Error) => void
  readonly #ip = new IpView()

  constructor(via: NetInterface, uppers: IpUppers, onClosed: (error?: Error) => void) {
    this.#via = via
    this.#uppers = uppers
    this.#onClosed = onClosed
  }

  /** One clock read, all packets, then one turn: each connection answers for the whole batch. */
  onPackets(batch: PacketBatch): void {
    const { context, tcp } = this.#uppers
    const now = context.clock.now()
    context.counts.packetsReceived += batch.count
    for (let i = 0; i < batch.count; i++) {
      this.#via.output.tap?.(batch, i, 'in')
      this.#onPacket(batch, i, now)
    }
    tcp.scheduler.turn(now)
  }

  onLinkClosed(error?: Error): void {
    this.#onClosed(error)
  }

  #onPacket(batch: PacketBatch, i: number, now: number): void {
    const { context, reassembly } = this.#uppers
    const { counts } = context
    const slab = batch.slab
    const ip = this.#ip
    const at = batch.offset[i] as number
    if (!parseIp(slab, at, at + (batch.length[i] as number), ip)) {
      counts.malformed++
      return
    }
    const verified = batch.checksum[i] !== CHECKSUM.full
    if (!verified && ip.version === 4 && !ipv4ChecksumOk(slab, at, ip.payload - at)) {
      counts.badChecksums++
      return
    }
    // Nobody can be answered at such an address, and ours on the wire is somebody's lie.
    if (
      isMulticast(ip.source) ||
      isUnspecified(ip.source) ||
      isLoopback(ip.source) ||
      this.#via.isBroadcast(ip.source) ||
      context.isLocal(ip.source)
    ) {
      counts.notForUs++
      return
    }
    if (!ip.fragment) this.#deliver(slab, ip.payload, ip.end, batch, i, verified, now)
    else if (context.isLocal(ip.destination) || !this.#forward(batch, i, now)) {
      const whole = reassembly.add(slab, ip, now)
      if (whole === undefined) return
      this.#deliver(whole.slab, 0, whole.length, batch, i, verified, now)
    }
  }

  /** A whole payload: of a packet of its own, or put together from fragments. */
  #deliver(
    slab: Slab,
    start: number,
    end: number,
    batch: PacketBatch,
    i: number,
    verified: boolean,
    now: number
  ): void {
    const { context, tcp, udp, icmp } = this.#uppers
    const ip = this.#ip
    const local = context.isLocal(ip.destination)
    if (!local && this.#forward(batch, i, now)) return
    switch (ip.protocol) {
      case PROTOCOL.tcp:
        if (isMulticast(ip.destination) || this.#via.isBroadcast(ip.destination)) break
        if (tcp.onSegment(this.#via, slab, start, end, ip, verified, now)) return
        break
      case PROTOCOL.udp:
        if (udp.onPacket(slab, start, end, ip, verified)) return
        if (local) icmp.sendUnreachable(this.#via, batch.packet(i), ip, 'port', now)
        break
      case ip.version === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6:
        if (!local) break
        icmp.onMessage(this.#via, slab, start, end, ip, now)
        return
      default:
        if (local) icmp.sendUnreachable(this.#via, batch.packet(i), ip, 'protocol', now)
    }
    context.counts.notForUs++
  }

  #forward(batch: PacketBatch, i: number, now: number): boolean {
    return this.#uppers.forward(this.#via, batch, i, this.#ip, now)
  }
}
