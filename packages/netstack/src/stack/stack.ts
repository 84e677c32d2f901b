import { randomBytes } from 'node:crypto'
import { TokenBucket } from '@warren/utils'
import {
  NetstackAddressInUseError,
  NetstackClosedError,
  NetstackLimitError,
  NetstackOptionError,
  NetstackUnreachableError
} from '../errors.ts'
import type { Link } from '../link/link.ts'
import type { PacketBatch } from '../link/packet-batch.ts'
import { TcpListener } from '../socket/tcp-listener.ts'
import { TcpSocket, type TcpSocketHost } from '../socket/tcp-socket.ts'
import { UdpSocket, type UdpSocketEvents } from '../socket/udp-socket.ts'
import { IpView, PROTOCOL, parseIp } from '../wire/ip.ts'
import { formatAddress, versionOf } from './address.ts'
import { addressOf, portOf, prefixOf } from './arguments.ts'
import type { Clock } from './clock.ts'
import { EchoRequests } from './echo-requests.ts'
import { IcmpEndpoint } from './icmp-endpoint.ts'
import { IpInput } from './ip-input.ts'
import type { PacketTap } from './ip-output.ts'
import { Listener } from './listener.ts'
import { NetInterface } from './net-interface.ts'
import { forwardPacket } from './packet-forwarding.ts'
import { pcapngHeader, pcapngPacket } from './pcapng.ts'
import { type PendingSyn, PendingSyns } from './pending-syns.ts'
import { Reassembly } from './reassembly.ts'
import { Routes } from './routes.ts'
import type { StackContext } from './stack-context.ts'
import type { ConnectTarget, ListenTarget, StackInterface, StackStats } from './stack-types.ts'
import { type FullStackOptions, type StackOptions, stackOptions } from './stack-options.ts'
import { newCounts } from './stats.ts'
import { systemClock } from './system-clock.ts'
import { TcpEndpoints } from './tcp-endpoints.ts'
import { type TcpRejection, TcpRequest } from './tcp-request.ts'
import { UdpEndpoints, type UdpForwarder } from './udp-endpoints.ts'

/** First port that `listen` and `bindUdp` give out for port 0. */
const FIRST_FREE_PORT = 49152

/**
 * IPv4 and IPv6 with TCP, UDP and ICMP over any number of links. All its work happens when a link
 * hands it packets, when a timer is due, and once after the calls of the application; nothing runs
 * in between. Made by `createStack()`.
 */
export class Stack {
  readonly #options: FullStackOptions
  readonly #clock: Clock
  readonly #interfaces = new Set<NetInterface>()
  readonly #routes = new Routes()
  readonly #context: StackContext
  readonly #counts = newCounts()
  readonly #tcp: TcpEndpoints
  readonly #udp: UdpEndpoints
  readonly #icmp: IcmpEndpoint
  readonly #echoes: EchoRequests
  readonly #reassembly: Reassembly
  readonly #pending: PendingSyns
  readonly #socketHost: TcpSocketHost
  readonly #captures = new Set<PacketTap>()
  #closed = false

  constructor(options: StackOptions = {}) {
    this.#options = stackOptions(options)
    this.#clock = options.clock ?? systemClock
    const secret = options.secret ?? randomBytes(16)
    const random = options.random ?? Math.random
    this.#context = {
      clock: this.#clock,
      random,
      counts: this.#counts,
      interfaces: this.#interfaces,
      tcp: this.#options.tcp,
      unsolicited: new TokenBucket(this.#options.unsolicited, this.#clock.now()),
      route: destination => this.#routes.find(destination),
      isLocal: address => this.#isLocal(address),
      wake: () => this.#tcp.scheduler.wake()
    }
    this.#tcp = new TcpEndpoints(this.#context, this.#options, secret)
    this.#udp = new UdpEndpoints(this.#context)
    this.#icmp = new IcmpEndpoint(this.#context)
    this.#reassembly = new Reassembly(this.#options.reassembly)
    this.#echoes = new EchoRequests(this.#clock, Math.floor(random() * 65536))
    this.#pending = new PendingSyns(this.#options.forwarder, this.#clock, secret[0] as number)
    this.#socketHost = {
      now: () => this.#clock.now(),
      touch: connection => this.#tcp.scheduler.touch(connection)
    }
    this.#icmp.onEchoReply = (source, identifier, sequence, now) =>
      this.#echoes.onReply(source, identifier, sequence, now)
    this.#icmp.onError = (quoted, report, now) => {
      if (quoted.protocol === PROTOCOL.tcp) this.#tcp.onIcmpError(quoted, report, now)
      else this.#udp.onIcmpError(quoted, report)
    }
  }

  /** Counts and sizes as they are now. */
  get stats(): StackStats {
    const { packets, bytes } = this.#reassembly.waiting
    return {
      ...this.#counts,
      connections: this.#tcp.size,
      timeWaiting: this.#tcp.timeWaiting,
      deadlines: this.#tcp.scheduler.deadlines,
      pendingSyns: this.#pending.size,
      reassemblyBytes: bytes,
      reassemblyPackets: packets
    }
  }

  /**
   * Puts a link under the stack, and starts it.
   *
   * @param addresses - of ours on this link, with the length of their network: `10.9.0.2/24`. What
   * is in such a network is reached by the link.
   * @param onClosed - told when the link ends by itself
   * @throws NetstackOptionError when an address is none
   */
  addInterface(
    link: Link,
    addresses: readonly string[],
    onClosed?: (error?: Error) => void
  ): StackInterface {
    this.#checkOpen()
    const via = new NetInterface(link, addresses.map(prefixOf))
    this.#interfaces.add(via)
    for (const own of via.addresses) this.#routes.add(own, via)
    this.#setTaps()
    const remove = (): void => {
      this.#interfaces.delete(via)
      this.#routes.removeVia(via)
    }
    const uppers = {
      context: this.#context,
      tcp: this.#tcp,
      udp: this.#udp,
      icmp: this.#icmp,
      reassembly: this.#reassembly,
      forward: this.#options.routing
        ? (from: NetInterface, batch: PacketBatch, i: number, ip: IpView, now: number) =>
            forwardPacket(this.#context, this.#icmp, from, batch, i, ip, now)
        : () => false
    }
    link.start(
      new IpInput(via, uppers, error => {
        remove()
        onClosed?.(error)
      })
    )
    return { link, addRoute: prefix => this.#routes.add(prefixOf(prefix), via), remove }
  }

  /**
   * Opens a connection. The socket is not connected yet: `onConnect` or `onClose` says how it went.
   *
   * @throws NetstackOptionError when an address or port is none
   * @throws NetstackUnreachableError when there is no route
   * @throws NetstackAddressInUseError when the local port is taken, or none is free
   * @throws NetstackLimitError when the stack holds as many connections as it may
   */
  connect(target: ConnectTarget): TcpSocket {
    this.#checkOpen()
    const remote = addressOf(target.address)
    const remotePort = portOf(target.port, 1)
    const { via, local } = this.#wayTo(remote, target.localAddress)
    if (!this.#tcp.hasRoom)
      throw new NetstackLimitError(
        `the stack holds ${this.#tcp.size} connections, its limit: close some or raise maxConnections`
      )
    const localPort =
      target.localPort === undefined
        ? this.#tcp.freePort(local, remote, remotePort)
        : portOf(target.localPort, 1)
    const flow = { local, localPort: localPort ?? 0, remote, remotePort }
    if (localPort === undefined || this.#tcp.find(flow) !== undefined)
      throw new NetstackAddressInUseError(
        `every port towards ${target.address} port ${remotePort} is taken: close connections, or wait for TIME-WAIT`
      )
    const connection = this.#tcp.open(via, flow, this.#clock.now())
    const socket = new TcpSocket(connection, this.#socketHost)
    connection.owner = socket
    return socket
  }

  /**
   * Accepts connections on a port.
   *
   * @param onSocket - told of each connection whose handshake is complete
   * @throws NetstackAddressInUseError when somebody listens there
   */
  listen(target: ListenTarget, onSocket: (socket: TcpSocket) => void): TcpListener {
    this.#checkOpen()
    const address = target.address === undefined ? undefined : addressOf(target.address)
    const port = this.#freePort(portOf(target.port, 0), other =>
      this.#tcp.listeners.has(address, other)
    )
    const listener = new Listener(
      address,
      port,
      target.backlog ?? this.#options.backlog,
      target.synCookies ?? this.#options.synCookies,
      connection => {
        const socket = new TcpSocket(connection, this.#socketHost)
        connection.owner = socket
        onSocket(socket)
      }
    )
    this.#tcp.listeners.add(listener)
    return new TcpListener(listener, () => {
      this.#tcp.listeners.remove(listener)
      for (const connection of listener.halfOpen) {
        connection.tcb.abort()
        this.#tcp.scheduler.touch(connection)
      }
    })
  }

  /**
   * Asks `decide` about each SYN for which nobody listens, whatever its address. Nothing is answered
   * before `accept` or `reject`. One handler at a time; `undefined` takes it away.
   */
  forwardTcp(decide: ((request: TcpRequest) => void) | undefined): void {
    if (decide === undefined) {
      this.#tcp.forwarder = undefined
      return
    }
    const host = {
      accept: (pending: PendingSyn) => this.#acceptPending(pending),
      reject: (pending: PendingSyn, how: TcpRejection) => this.#rejectPending(pending, how)
    }
    this.#tcp.forwarder = (flow, via, packet, now) => {
      if (this.#pending.has(flow)) return true
      const pending = this.#pending.add(flow, via, packet, now)
      if (pending === undefined) this.#counts.synsDropped++
      else decide(new TcpRequest(pending, host))
      return true
    }
  }

  /**
   * Shows `take` each datagram that no socket of ours is for, whatever its address. `true` says that
   * it was taken. One handler at a time; `undefined` takes it away.
   */
  forwardUdp(take: UdpForwarder | undefined): void {
    this.#udp.forwarder = take
  }

  /**
   * Sends a datagram from an address that need not be ours: the answer to one that `forwardUdp` took.
   *
   * @throws NetstackUnreachableError when there is no route
   */
  sendUdp(
    payload: Uint8Array,
    from: { readonly address: string; readonly port: number },
    to: { readonly address: string; readonly port: number }
  ): void {
    this.#checkOpen()
    const destination = addressOf(to.address)
    const { via } = this.#wayTo(destination, from.address)
    const source = addressOf(from.address)
    const sent = this.#udp.send(via, source, from.port, destination, to.port, payload)
    if (!sent)
      throw new NetstackOptionError(`a datagram of ${payload.length} bytes is too large for UDP`)
  }

  /**
   * Binds a UDP port.
   *
   * @throws NetstackAddressInUseError when it is taken
   */
  bindUdp(
    target: { readonly address?: string; readonly port: number },
    events: UdpSocketEvents = {}
  ): UdpSocket {
    this.#checkOpen()
    const address = target.address === undefined ? undefined : addressOf(target.address)
    const port = this.#freePort(portOf(target.port, 0), other => this.#udp.isBound(address, other))
    const socket = new UdpSocket(address, port, events, {
      endpoints: this.#udp,
      route: destination => this.#routes.find(destination)
    })
    this.#udp.bind(socket)
    return socket
  }

  /**
   * Sends an ICMP echo request and waits for the reply.
   *
   * @param options - `timeout` in ms (5000), `size` of the body in bytes (56)
   * @returns the round trip in ms
   * @throws NetstackTimeoutError when there is no reply in time
   * @throws NetstackUnreachableError when there is no route
   */
  async ping(
    address: string,
    options: {
      readonly timeout?: number
      readonly size?: number
      readonly signal?: AbortSignal
    } = {}
  ): Promise<number> {
    this.#checkOpen()
    const { timeout = 5000, size = 56, signal } = options
    if (!Number.isInteger(size) || size < 0 || size > 65_000)
      throw new NetstackOptionError(`size is ${size}; it must be from 0 to 65000`)
    const destination = addressOf(address)
    const { via, local } = this.#wayTo(destination, undefined)
    const { identifier } = this.#echoes
    return await this.#echoes.wait(destination, timeout, signal, sequence =>
      this.#icmp.sendEcho(
        via,
        local,
        destination,
        versionOf(destination),
        identifier,
        sequence,
        size
      )
    )
  }

  /**
   * Writes every packet of every interface as a pcapng capture, which Wireshark and tshark read.
   *
   * @param write - takes the bytes of the file, piece by piece
   * @param name - of the interface in the file
   * @returns ends the capture
   */
  capture(write: (bytes: Uint8Array) => void, name = 'netstack'): () => void {
    const epoch = this.#clock === systemClock ? performance.timeOrigin : 0
    write(pcapngHeader(name))
    const tap: PacketTap = (batch, i, direction) =>
      write(pcapngPacket(batch, i, direction, epoch + this.#clock.now()))
    this.#captures.add(tap)
    this.#setTaps()
    return () => {
      this.#captures.delete(tap)
      this.#setTaps()
    }
  }

  /**
   * Ends everything at once: peers are told by RST, every socket is closed, the links are left to
   * whoever made them. Idempotent.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const now = this.#clock.now()
    for (const connection of this.#tcp.connections()) {
      connection.tcb.abort()
      this.#tcp.scheduler.enqueue(connection)
    }
    this.#tcp.scheduler.turn(now)
    // Called by a handler, within a turn: that turn sends the RSTs first.
    if (this.#tcp.scheduler.running) this.#clock.later(() => this.#end())
    else this.#end()
  }

  #end(): void {
    this.#tcp.close()
    this.#pending.close()
    this.#echoes.close(new NetstackClosedError('the stack was closed'))
    this.#interfaces.clear()
  }

  #acceptPending(pending: PendingSyn): TcpSocket | undefined {
    if (!this.#pending.remove(pending)) return undefined
    const connection = this.#tcp.acceptPending(pending, this.#clock.now())
    if (connection === undefined) return undefined
    const socket = new TcpSocket(connection, this.#socketHost)
    connection.owner = socket
    return socket
  }

  #rejectPending(pending: PendingSyn, how: TcpRejection): void {
    if (!this.#pending.remove(pending) || how === 'drop') return
    if (how === 'reset') {
      this.#tcp.refusePending(pending)
      return
    }
    const { packet } = pending
    const at = packet.offset[0] as number
    const ip = new IpView()
    parseIp(packet.slab, at, at + (packet.length[0] as number), ip)
    const reason = how.replace('-unreachable', '') as 'host' | 'network' | 'prohibited'
    this.#icmp.sendUnreachable(pending.via, packet.packet(0), ip, reason, this.#clock.now())
  }

  #wayTo(
    remote: Int32Array,
    localAddress: string | undefined
  ): { readonly via: NetInterface; readonly local: Int32Array } {
    const via = this.#routes.find(remote)
    const local = localAddress === undefined ? via?.sourceFor(remote) : addressOf(localAddress)
    if (via === undefined || local === undefined || versionOf(local) !== versionOf(remote))
      throw new NetstackUnreachableError(
        `there is no route to ${formatAddress(remote)}: give an interface an address of its network, or a route`
      )
    return { via, local }
  }

  #freePort(asked: number, taken: (port: number) => boolean): number {
    if (asked !== 0) {
      if (!taken(asked)) return asked
      throw new NetstackAddressInUseError(`port ${asked} is taken: close who has it, or ask for 0`)
    }
    for (let port = FIRST_FREE_PORT; port < 65536; port++) if (!taken(port)) return port
    throw new NetstackAddressInUseError('every port from 49152 on is taken')
  }

  #isLocal(address: Int32Array): boolean {
    for (const via of this.#interfaces) if (via.owns(address)) return true
    return false
  }

  #setTaps(): void {
    const taps = [...this.#captures]
    for (const { output } of this.#interfaces) {
      output.tap =
        taps.length === 0
          ? undefined
          : (batch, i, direction) => {
              for (const tap of taps) tap(batch, i, direction)
            }
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new NetstackClosedError('the stack is closed: make another')
  }
}

/**
 * Makes a stack without links: `addInterface` gives it some.
 *
 * @throws NetstackOptionError when an option is out of its range
 */
export function createStack(options?: StackOptions): Stack {
  return new Stack(options)
}
