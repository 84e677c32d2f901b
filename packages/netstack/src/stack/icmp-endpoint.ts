import { fold, pseudoHeaderSum } from '../wire/checksum.ts'
import {
  ICMP_HEADER,
  IcmpView,
  type UnreachableReason,
  icmpChecksumOk,
  parseIcmp,
  writeIcmpEcho,
  writeIcmpTimeExceeded,
  writeIcmpTooBig,
  writeIcmpUnreachable
} from '../wire/icmp.ts'
import { type IpView, PROTOCOL } from '../wire/ip.ts'
import { Slab } from '../wire/slab.ts'
import { isMulticast, isUnspecified } from './address.ts'
import { sendPayload } from './datagram-output.ts'
import type { NetInterface } from './net-interface.ts'
import { QuotedPacket, parseQuoted } from './quoted-packet.ts'
import type { StackContext } from './stack-context.ts'

/** Errors quote so much of a packet that they fit everywhere (RFC 1812 §4.3.2.3, RFC 4443 §2.4). */
const QUOTE_V4 = 548
const QUOTE_V6 = 1232

/** What an ICMP error says of a packet that we sent. */
export type IcmpReport =
  | { readonly kind: 'too-big'; readonly mtu: number }
  | { readonly kind: 'unreachable'; readonly reason: UnreachableReason }
  | { readonly kind: 'time-exceeded' }

/** Who is told of ICMP errors: TCP and UDP. */
export type IcmpErrorHandler = (quoted: QuotedPacket, report: IcmpReport, now: number) => void

/** Told when an echo reply arrives. */
export type EchoReplyHandler = (
  source: Int32Array,
  identifier: number,
  sequence: number,
  now: number
) => void

/** ICMP and ICMPv6: answers echoes, passes errors on, sends errors. */
export class IcmpEndpoint {
  onError: IcmpErrorHandler = () => {}
  onEchoReply: EchoReplyHandler = () => {}
  readonly #context: StackContext
  readonly #view = new IcmpView()
  readonly #quoted = new QuotedPacket()
  readonly #scratch = new Slab(65536)
  #identification = 0

  constructor(context: StackContext) {
    this.#context = context
  }

  /** A message for an address of ours; its payload lies at `start` to `end`. */
  onMessage(
    via: NetInterface,
    slab: Slab,
    start: number,
    end: number,
    ip: IpView,
    now: number
  ): void {
    const { counts } = this.#context
    const message = this.#view
    const version = ip.version
    counts.icmpReceived++
    if (!parseIcmp(slab, start, end, version, message)) {
      counts.malformed++
      return
    }
    const pseudo = pseudoOf(version, ip.source, ip.destination, end - start)
    if (!icmpChecksumOk(slab, start, end, pseudo)) {
      counts.badChecksums++
      return
    }
    switch (message.kind) {
      case 'echo-request':
        this.#answerEcho(via, slab, message, ip)
        break
      case 'echo-reply':
        this.onEchoReply(ip.source, message.identifier, message.sequence, now)
        break
      case 'too-big':
      case 'unreachable':
      case 'time-exceeded':
        this.#onErrorMessage(slab, message, version, now)
        break
      case 'parameter-problem':
      case 'other':
        break
    }
  }

  /** Sends an echo request of `size` bytes of body. */
  sendEcho(
    via: NetInterface,
    source: Int32Array,
    destination: Int32Array,
    version: 4 | 6,
    identifier: number,
    sequence: number,
    size: number
  ): void {
    const slab = this.#scratch
    const end = ICMP_HEADER + size
    for (let i = ICMP_HEADER; i < end; i++) slab.bytes[i] = i
    this.#sendEcho(via, source, destination, version, 'echo-request', identifier, sequence, end)
  }

  /** Tells the sender of a packet that it did not arrive. Rate-limited, and never for an error. */
  sendUnreachable(
    via: NetInterface,
    packet: Uint8Array,
    ip: IpView,
    reason: UnreachableReason,
    now: number
  ): void {
    this.#sendError(via, packet, ip, now, (slab, end, pseudo) =>
      writeIcmpUnreachable(slab, 0, end, ip.version, reason, pseudo)
    )
  }

  /** Tells the sender of a packet that the next link carries only `mtu` bytes. */
  sendTooBig(via: NetInterface, packet: Uint8Array, ip: IpView, mtu: number, now: number): void {
    this.#sendError(via, packet, ip, now, (slab, end, pseudo) =>
      writeIcmpTooBig(slab, 0, end, ip.version, mtu, pseudo)
    )
  }

  /** Tells the sender of a packet that it has made too many hops. */
  sendTimeExceeded(via: NetInterface, packet: Uint8Array, ip: IpView, now: number): void {
    this.#sendError(via, packet, ip, now, (slab, end, pseudo) =>
      writeIcmpTimeExceeded(slab, 0, end, ip.version, pseudo)
    )
  }

  #sendError(
    via: NetInterface,
    packet: Uint8Array,
    ip: IpView,
    now: number,
    writeHeader: (slab: Slab, end: number, pseudo: number) => void
  ): void {
    const end = this.#quote(packet, ip, now)
    // The address that the packet was for, when it is ours to speak for; else that of the interface.
    const local = this.#context.isLocal(ip.destination)
    const source = local ? ip.destination : via.sourceFor(ip.source)
    if (end < 0 || source === undefined) return
    writeHeader(this.#scratch, end, pseudoOf(ip.version, source, ip.source, end))
    this.#send(via, source, ip.source, ip.version, end)
  }

  #answerEcho(via: NetInterface, slab: Slab, message: IcmpView, ip: IpView): void {
    // An echo to a group would be answered by all of it (RFC 1122 §3.2.2.6).
    if (isMulticast(ip.destination) || via.isBroadcast(ip.destination)) return
    const end = ICMP_HEADER + message.end - message.payload
    this.#scratch.bytes.set(slab.bytes.subarray(message.payload, message.end), ICMP_HEADER)
    const { identifier, sequence } = message
    this.#sendEcho(
      via,
      ip.destination,
      ip.source,
      ip.version,
      'echo-reply',
      identifier,
      sequence,
      end
    )
  }

  #sendEcho(
    via: NetInterface,
    source: Int32Array,
    destination: Int32Array,
    version: 4 | 6,
    kind: 'echo-request' | 'echo-reply',
    identifier: number,
    sequence: number,
    end: number
  ): void {
    const pseudo = pseudoOf(version, source, destination, end)
    writeIcmpEcho(this.#scratch, 0, end, version, kind, identifier, sequence, pseudo)
    this.#send(via, source, destination, version, end)
  }

  #onErrorMessage(slab: Slab, message: IcmpView, version: 4 | 6, now: number): void {
    if (!parseQuoted(slab, message.payload, message.end, version, this.#quoted)) return
    const report: IcmpReport =
      message.kind === 'too-big'
        ? { kind: 'too-big', mtu: message.mtu }
        : message.kind === 'unreachable'
          ? { kind: 'unreachable', reason: message.reason }
          : { kind: 'time-exceeded' }
    this.onError(this.#quoted, report, now)
  }

  /** Puts the quote behind the header's place; -1 when the packet must not be answered. */
  #quote(packet: Uint8Array, ip: IpView, now: number): number {
    const { counts, unsolicited } = this.#context
    if (
      isMulticast(ip.destination) ||
      isMulticast(ip.source) ||
      isUnspecified(ip.source) ||
      ip.fragmentOffset > 0 ||
      isIcmpError(packet, ip)
    )
      return -1
    if (!unsolicited.take(now)) {
      counts.rateLimited++
      return -1
    }
    const length = Math.min(packet.length, ip.version === 4 ? QUOTE_V4 : QUOTE_V6)
    this.#scratch.bytes.set(packet.subarray(0, length), ICMP_HEADER)
    return ICMP_HEADER + length
  }

  #send(
    via: NetInterface,
    source: Int32Array,
    destination: Int32Array,
    version: 4 | 6,
    end: number
  ): void {
    this.#context.counts.icmpSent++
    sendPayload(
      via,
      {
        slab: this.#scratch,
        start: 0,
        end,
        version,
        source,
        destination,
        protocol: version === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6
      },
      this.#identification++
    )
    this.#context.wake()
  }
}

/** The pseudo-header's sum with the length; ICMP over IPv4 has none. */
function pseudoOf(
  version: 4 | 6,
  source: Int32Array,
  destination: Int32Array,
  length: number
): number {
  return version === 4 ? 0 : fold(pseudoHeaderSum(6, source, destination, PROTOCOL.icmpv6) + length)
}

/** An error about an error could go on for ever (RFC 1122 §3.2.2, RFC 4443 §2.4 e). */
function isIcmpError(packet: Uint8Array, ip: IpView): boolean {
  const type = packet[ip.payload - ip.start]
  if (ip.protocol === PROTOCOL.icmp) return type !== 8 && type !== 0
  return ip.protocol === PROTOCOL.icmpv6 && (type === undefined || type < 128)
}
