import { initialSequence, flowWords, timestampOffset } from '../tcp/isn.ts'
import { writeReset } from '../tcp/reset.ts'
import { SipHash } from '../tcp/siphash.ts'
import { TCB_EVENT } from '../tcp/tcb-types.ts'
import { Tcb } from '../tcp/tcb.ts'
import { fold, pseudoHeaderSum } from '../wire/checksum.ts'
import { IpView, PROTOCOL, parseIp } from '../wire/ip.ts'
import { IPV4_HEADER } from '../wire/ipv4.ts'
import { IPV6_HEADER } from '../wire/ipv6.ts'
import type { Slab } from '../wire/slab.ts'
import { FLAG, TCP_HEADER, TcpSegment, parseTcp, tcpChecksumOk } from '../wire/tcp.ts'
import { versionOf } from './address.ts'
import { Connection } from './connection.ts'
import { writeCookieReply } from './cookie-reply.ts'
import { EphemeralPorts } from './ephemeral-ports.ts'
import { type Flow, FlowTable } from './flow-table.ts'
import type { IcmpReport } from './icmp-endpoint.ts'
import type { OutputFlow } from './ip-output.ts'
import type { Listener } from './listener.ts'
import { Listeners } from './listeners.ts'
import type { NetInterface } from './net-interface.ts'
import { PathMtuCache } from './path-mtu-cache.ts'
import type { PendingSyn } from './pending-syns.ts'
import type { QuotedPacket } from './quoted-packet.ts'
import { Scheduler } from './scheduler.ts'
import { SharedAddresses } from './shared-addresses.ts'
import type { StackContext } from './stack-context.ts'
import { COOKIE_PERIOD, SynCookies } from './syn-cookies.ts'

/** Decides on a SYN for which there is no listener; `false` says that it is not wanted. */
export type SynForwarder = (
  flow: Flow,
  via: NetInterface,
  packet: Uint8Array,
  now: number
) => boolean

/** Limits of {@link TcpEndpoints}. */
export interface TcpLimits {
  /** Connections in all, those in TIME-WAIT included. */
  readonly maxConnections: number
  /** Connections in TIME-WAIT; the oldest goes when there are more. */
  readonly maxTimeWait: number
}

/** TCP of a stack: finds the connection of each segment, and makes new ones. */
export class TcpEndpoints {
  readonly listeners = new Listeners()
  readonly scheduler: Scheduler
  /** Asked about SYNs for which there is no listener. */
  forwarder: SynForwarder | undefined
  readonly #context: StackContext
  readonly #limits: TcpLimits
  readonly #flows: FlowTable<Connection>
  readonly #timeWait = new Set<Connection>()
  readonly #hash: SipHash
  readonly #cookies: SynCookies
  readonly #ports: EphemeralPorts
  readonly #pathMtu = new PathMtuCache()
  readonly #segment = new TcpSegment()
  readonly #words = new Int32Array(10)
  readonly #addresses = new SharedAddresses()

  /** @param secret - 16 random bytes: initial sequence numbers, cookies and ports come from them */
  constructor(context: StackContext, limits: TcpLimits, secret: Uint8Array) {
    this.#context = context
    this.#limits = limits
    this.#hash = new SipHash(secret)
    this.#cookies = new SynCookies(this.#hash)
    this.#ports = new EphemeralPorts(this.#hash)
    this.#flows = new FlowTable(this.#hash.hash(Int32Array.of(5)))
    this.scheduler = new Scheduler(context.clock, context.interfaces, {
      retire: connection => this.#retire(connection),
      polled: connection => this.#polled(connection)
    })
  }

  /** Connections that exist, in any state. */
  get size(): number {
    return this.#flows.size
  }

  /** Connections in TIME-WAIT. */
  get timeWaiting(): number {
    return this.#timeWait.size
  }

  /** All connections. */
  connections(): Connection[] {
    return [...this.#flows.values()]
  }

  /**
   * A segment has arrived.
   *
   * @returns `false` when it is for an address that is not ours and nobody wants it
   */
  onSegment(
    via: NetInterface,
    slab: Slab,
    start: number,
    end: number,
    ip: IpView,
    verified: boolean,
    now: number
  ): boolean {
    const { counts } = this.#context
    const segment = this.#segment
    if (!parseTcp(slab, start, end, segment)) {
      counts.malformed++
      return true
    }
    if (!verified) {
      const pseudo = pseudoHeaderSum(ip.version, ip.source, ip.destination, PROTOCOL.tcp)
      if (!tcpChecksumOk(slab, start, end, pseudo + end - start)) {
        counts.badChecksums++
        return true
      }
    }
    counts.segmentsReceived++
    const connection = this.#flows.get(
      ip.destination,
      segment.destinationPort,
      ip.source,
      segment.sourcePort
    )
    if (connection === undefined) return this.#onStray(via, ip, segment, undefined, now)
    if ((segment.flags & FLAG.syn) !== 0 && connection.tcb.canBeReplaced(segment)) {
      const iss = connection.tcb.nextIss()
      this.#evict(connection)
      return this.#onStray(via, ip, segment, iss, now)
    }
    connection.tcb.onSegment(segment, now)
    this.scheduler.enqueue(connection)
    return true
  }

  /** An ICMP error that quotes a segment of ours. */
  onIcmpError(quoted: QuotedPacket, report: IcmpReport, now: number): void {
    const connection = this.#flows.get(
      quoted.source,
      quoted.sourcePort,
      quoted.destination,
      quoted.destinationPort
    )
    if (connection === undefined) return
    if (report.kind === 'too-big') {
      if (connection.tcb.onPathMtu(report.mtu, quoted.seq, now))
        this.#pathMtu.learn(connection.remote, connection.tcb.info().pathMtu, now)
    } else {
      const hard =
        report.kind === 'unreachable' &&
        report.reason !== 'network' &&
        report.reason !== 'host' &&
        report.reason !== 'other'
      connection.tcb.onIcmpError(hard ? 'hard' : 'soft', quoted.seq)
    }
    this.scheduler.enqueue(connection)
  }

  /** Whether the stack may hold one more connection. */
  get hasRoom(): boolean {
    return this.#flows.size < this.#limits.maxConnections
  }

  /** The connection of a flow. */
  find(flow: Flow): Connection | undefined {
    return this.#flows.get(flow.local, flow.localPort, flow.remote, flow.remotePort)
  }

  /** A free local port towards a destination; `undefined` when all are taken. */
  freePort(local: Int32Array, remote: Int32Array, remotePort: number): number | undefined {
    return this.#ports.pick(
      local,
      remote,
      remotePort,
      port => this.#flows.get(local, port, remote, remotePort) !== undefined
    )
  }

  /** Opens a connection; its owner is set by the caller, before the next turn. */
  open(via: NetInterface, flow: Flow, now: number): Connection {
    const connection = this.#create(via, flow, undefined, now)
    connection.tcb.connect(now)
    this.#context.counts.connectionsOpened++
    this.scheduler.touch(connection)
    return connection
  }

  /** Begins the handshake of a SYN that the forwarder kept. */
  acceptPending(pending: PendingSyn, now: number): Connection | undefined {
    if (!this.hasRoom || this.find(pending) !== undefined) return undefined
    const ip = new IpView()
    const { slab, offset, length } = pending.packet
    const at = offset[0] as number
    parseIp(slab, at, at + (length[0] as number), ip)
    parseTcp(slab, ip.payload, ip.end, this.#segment)
    const connection = this.#create(pending.via, pending, undefined, now)
    connection.tcb.accept(this.#segment, now)
    this.#context.counts.connectionsAccepted++
    this.scheduler.touch(connection)
    return connection
  }

  /** Answers a SYN that the forwarder kept by RST. */
  refusePending(pending: PendingSyn): void {
    const ip = new IpView()
    const { slab, offset, length } = pending.packet
    const at = offset[0] as number
    parseIp(slab, at, at + (length[0] as number), ip)
    parseTcp(slab, ip.payload, ip.end, this.#segment)
    this.#reset(pending.via, ip, this.#segment)
    this.scheduler.wake()
  }

  /** Ends everything without a word. */
  close(): void {
    this.scheduler.close()
    for (const connection of this.connections()) this.#evict(connection)
  }

  /** A segment that belongs to no connection. */
  #onStray(
    via: NetInterface,
    ip: IpView,
    segment: TcpSegment,
    iss: number | undefined,
    now: number
  ): boolean {
    const local = this.#context.isLocal(ip.destination)
    const listener = this.listeners.find(ip.destination, segment.destinationPort, local)
    const kind = segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)
    if ((kind & FLAG.rst) !== 0) return local || listener !== undefined
    if (listener !== undefined) {
      if (kind === FLAG.syn) {
        this.#onSyn(listener, via, ip, segment, iss, now)
        return true
      }
      if (kind === FLAG.ack && this.#onCookie(listener, via, ip, segment, now)) return true
    } else if (kind === FLAG.syn && this.forwarder !== undefined) {
      const flow = this.#flowOf(ip, segment)
      const packet = segment.slab.bytes.subarray(ip.start, ip.end)
      if (this.forwarder(flow, via, packet, now)) return true
    } else if (!local && this.forwarder === undefined) return false
    if (this.#context.unsolicited.take(now)) this.#reset(via, ip, segment)
    else this.#context.counts.rateLimited++
    return true
  }

  #onSyn(
    listener: Listener,
    via: NetInterface,
    ip: IpView,
    syn: TcpSegment,
    iss: number | undefined,
    now: number
  ): void {
    const { counts } = this.#context
    if (listener.hasRoom && this.hasRoom) {
      const connection = this.#create(via, this.#flowOf(ip, syn), iss, now)
      listener.handshakeBegun(connection)
      connection.tcb.accept(syn, now)
      counts.connectionsAccepted++
      this.scheduler.enqueue(connection)
    } else if (listener.cookies !== 'never' && this.hasRoom) {
      listener.cookiesUntil = now + 2 * COOKIE_PERIOD
      this.#sendCookie(via, ip, syn, now)
    } else counts.synsDropped++
  }

  #sendCookie(via: NetInterface, ip: IpView, syn: TcpSegment, now: number): void {
    const flow = outputFlow(ip, syn)
    const words = this.#flowWords(flow)
    const clock = (Math.floor(now) + timestampOffset(this.#hash, words)) | 0
    const output = via.output
    output.target(flow)
    writeCookieReply(output, syn, {
      cookie: this.#cookies.make(flow, syn, now),
      timestamp: this.#cookies.timestamp(syn, clock),
      mss:
        this.#pathMtu.get(flow.remote, via.link.mtu, now) -
        TCP_HEADER -
        (ip.version === 4 ? IPV4_HEADER : IPV6_HEADER),
      config: this.#context.tcp
    })
    this.#context.counts.cookiesSent++
  }

  #onCookie(
    listener: Listener,
    via: NetInterface,
    ip: IpView,
    ack: TcpSegment,
    now: number
  ): boolean {
    if (now > listener.cookiesUntil || !this.hasRoom) return false
    const { counts } = this.#context
    const flow = this.#flowOf(ip, ack)
    const handshake = this.#cookies.check(flow, ack, now)
    if (handshake === undefined) {
      // Perhaps the ACK was lost and this is what came behind it: silence has it sent again.
      counts.cookiesRefused++
      return true
    }
    counts.cookiesAccepted++
    counts.connectionsAccepted++
    const connection = this.#create(via, flow, (ack.ack - 1) | 0, now)
    listener.handshakeBegun(connection)
    connection.tcb.acceptCookie(ack, handshake, now)
    this.scheduler.enqueue(connection)
    return true
  }

  #create(via: NetInterface, flow: Flow, iss: number | undefined, now: number): Connection {
    const words = this.#flowWords(flow)
    const tcb = new Tcb({
      config: this.#context.tcp,
      localPort: flow.localPort,
      remotePort: flow.remotePort,
      iss: iss ?? initialSequence(this.#hash, words, now),
      mtu: this.#pathMtu.get(flow.remote, via.link.mtu, now),
      ipHeader: versionOf(flow.remote) === 4 ? IPV4_HEADER : IPV6_HEADER,
      timestampOffset: timestampOffset(this.#hash, words),
      random: this.#context.random
    })
    const connection = new Connection(tcb, via, flow)
    this.#flows.add(connection)
    return connection
  }

  #reset(via: NetInterface, ip: IpView, segment: TcpSegment): void {
    via.output.target(outputFlow(ip, segment))
    if (writeReset(segment, via.output)) this.#context.counts.resetsSent++
  }

  #polled(connection: Connection): void {
    if (connection.tcb.state !== 'time-wait' || this.#timeWait.has(connection)) return
    this.#timeWait.add(connection)
    if (this.#timeWait.size <= this.#limits.maxTimeWait) return
    for (const oldest of this.#timeWait) {
      this.#evict(oldest)
      return
    }
  }

  /** Ends a connection that has not ended by itself. */
  #evict(connection: Connection): void {
    connection.owner?.onTcbEvents(TCB_EVENT.closed)
    this.#retire(connection)
  }

  #retire(connection: Connection): void {
    if (connection.retired) return
    connection.retired = true
    this.#flows.remove(connection)
    this.#timeWait.delete(connection)
    this.scheduler.forget(connection)
    connection.halfOpenIn?.handshakeEnded(connection, false)
    connection.halfOpenIn = undefined
    if (connection.tcb.failure !== undefined) this.#context.counts.connectionsFailed++
    connection.owner = undefined
  }

  /** The flow that a segment would make; the header's own addresses are filled again. */
  #flowOf(ip: IpView, segment: TcpSegment): Flow {
    return {
      local: this.#addresses.of(ip.destination),
      localPort: segment.destinationPort,
      remote: this.#addresses.of(ip.source),
      remotePort: segment.sourcePort
    }
  }

  #flowWords(flow: Flow): Int32Array {
    return flowWords(flow.local, flow.localPort, flow.remote, flow.remotePort, this.#words)
  }
}

/** What an answer without a connection needs; valid as long as `ip` is. */
function outputFlow(ip: IpView, segment: TcpSegment): OutputFlow {
  return {
    local: ip.destination,
    localPort: segment.destinationPort,
    remote: ip.source,
    remotePort: segment.sourcePort,
    version: ip.version,
    pseudo: fold(pseudoHeaderSum(ip.version, ip.destination, ip.source, PROTOCOL.tcp))
  }
}
