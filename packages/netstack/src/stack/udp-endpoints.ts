import { fold, pseudoHeaderSum } from '../wire/checksum.ts'
import { type IpView, PROTOCOL } from '../wire/ip.ts'
import { Slab } from '../wire/slab.ts'
import { UDP_HEADER, UdpView, parseUdp, udpChecksumOk, writeUdp } from '../wire/udp.ts'
import { sameAddress, versionOf } from './address.ts'
import { sendPayload } from './datagram-output.ts'
import type { IcmpReport } from './icmp-endpoint.ts'
import type { NetInterface } from './net-interface.ts'
import type { QuotedPacket } from './quoted-packet.ts'
import type { StackContext } from './stack-context.ts'

/** Largest UDP payload. */
const MAX_DATAGRAM = 65535 - 28

/** One bound UDP port. */
export interface UdpBinding {
  /** `undefined` for any address of ours. */
  readonly address: Int32Array | undefined
  readonly port: number
  /** A datagram; the bytes are valid for the length of the call. */
  onDatagram(
    payload: Uint8Array,
    source: Int32Array,
    sourcePort: number,
    destination: Int32Array
  ): void
  /** An ICMP error about a datagram that we sent. */
  onIcmpReport(destination: Int32Array, destinationPort: number, report: IcmpReport): void
}

/**
 * Sees datagrams for addresses that are not ours. `true` says that it took the datagram; else the
 * sender is told that the port is unreachable.
 */
export type UdpForwarder = (
  payload: Uint8Array,
  source: Int32Array,
  sourcePort: number,
  destination: Int32Array,
  destinationPort: number
) => boolean

/** UDP: bound ports, and datagrams in and out. */
export class UdpEndpoints {
  forwarder: UdpForwarder | undefined
  readonly #context: StackContext
  readonly #bindings = new Map<number, UdpBinding[]>()
  readonly #view = new UdpView()
  readonly #scratch = new Slab(65536)
  #identification = 0

  constructor(context: StackContext) {
    this.#context = context
  }

  /** Whether a binding for exactly this address and port exists. */
  isBound(address: Int32Array | undefined, port: number): boolean {
    return (this.#bindings.get(port) ?? []).some(binding => same(binding.address, address))
  }

  bind(binding: UdpBinding): void {
    const others = this.#bindings.get(binding.port)
    if (others === undefined) this.#bindings.set(binding.port, [binding])
    else others.push(binding)
  }

  unbind(binding: UdpBinding): void {
    const left = (this.#bindings.get(binding.port) ?? []).filter(other => other !== binding)
    if (left.length === 0) this.#bindings.delete(binding.port)
    else this.#bindings.set(binding.port, left)
  }

  /**
   * A datagram has arrived.
   *
   * @returns `false` when nobody wants it: the sender is to be told
   */
  onPacket(slab: Slab, start: number, end: number, ip: IpView, verified: boolean): boolean {
    const { counts } = this.#context
    const view = this.#view
    if (!parseUdp(slab, start, end, view)) {
      counts.malformed++
      return true
    }
    const size = view.end - start
    const pseudo = pseudoHeaderSum(ip.version, ip.source, ip.destination, PROTOCOL.udp) + size
    if (!verified && !udpChecksumOk(slab, start, view.end, fold(pseudo), ip.version)) {
      counts.badChecksums++
      return true
    }
    counts.datagramsReceived++
    const payload = slab.bytes.subarray(view.payload, view.end)
    const binding = this.#find(ip.destination, view.destinationPort)
    if (binding !== undefined) {
      binding.onDatagram(payload, ip.source, view.sourcePort, ip.destination)
      return true
    }
    return (
      this.forwarder?.(payload, ip.source, view.sourcePort, ip.destination, view.destinationPort) ??
      false
    )
  }

  /** An ICMP error that quotes one of our datagrams. */
  onIcmpError(quoted: QuotedPacket, report: IcmpReport): void {
    this.#find(quoted.source, quoted.sourcePort)?.onIcmpReport(
      quoted.destination,
      quoted.destinationPort,
      report
    )
  }

  /** Sends a datagram; `false` when it is too large for UDP. */
  send(
    via: NetInterface,
    source: Int32Array,
    sourcePort: number,
    destination: Int32Array,
    destinationPort: number,
    payload: Uint8Array
  ): boolean {
    if (payload.length > MAX_DATAGRAM) return false
    const version = versionOf(destination)
    const end = UDP_HEADER + payload.length
    this.#scratch.bytes.set(payload, UDP_HEADER)
    const pseudo = fold(pseudoHeaderSum(version, source, destination, PROTOCOL.udp) + end)
    writeUdp(this.#scratch, 0, end, sourcePort, destinationPort, pseudo)
    sendPayload(
      via,
      { slab: this.#scratch, start: 0, end, version, source, destination, protocol: PROTOCOL.udp },
      this.#identification++
    )
    this.#context.counts.datagramsSent++
    this.#context.wake()
    return true
  }

  #find(address: Int32Array, port: number): UdpBinding | undefined {
    const bindings = this.#bindings.get(port)
    if (bindings === undefined) return undefined
    return (
      bindings.find(({ address: own }) => own !== undefined && sameAddress(own, address)) ??
      bindings.find(({ address: own }) => own === undefined && this.#context.isLocal(address))
    )
  }
}

function same(a: Int32Array | undefined, b: Int32Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameAddress(a, b)
}
