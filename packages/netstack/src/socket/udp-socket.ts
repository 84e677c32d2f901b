import { NetstackClosedError, NetstackOptionError, NetstackUnreachableError } from '../errors.ts'
import { formatAddress, parseAddress } from '../stack/address.ts'
import type { IcmpReport } from '../stack/icmp-endpoint.ts'
import type { NetInterface } from '../stack/net-interface.ts'
import type { UdpBinding, UdpEndpoints } from '../stack/udp-endpoints.ts'

/** Where a datagram came from and what it was for. */
export interface DatagramInfo {
  readonly address: string
  readonly port: number
  /** The address of ours that it was sent to. */
  readonly localAddress: string
}

/** What a {@link UdpSocket} tells. */
export interface UdpSocketEvents {
  /** A datagram has arrived. Its bytes are valid for the length of the call only. */
  onDatagram?(payload: Uint8Array, from: DatagramInfo): void
  /** The network says that a datagram could not be delivered (ICMP). */
  onUnreachable?(error: NetstackUnreachableError): void
}

/** How a UDP socket reaches its stack. */
export interface UdpSocketHost {
  readonly endpoints: UdpEndpoints
  route(destination: Int32Array): NetInterface | undefined
}

/** A bound UDP port. */
export class UdpSocket implements UdpBinding {
  /** Who is told what happens; may be set anew at any time. */
  events: UdpSocketEvents
  readonly address: Int32Array | undefined
  readonly port: number
  readonly #host: UdpSocketHost
  #closed = false

  /** Made by `Stack.bindUdp`. */
  constructor(
    address: Int32Array | undefined,
    port: number,
    events: UdpSocketEvents,
    host: UdpSocketHost
  ) {
    this.address = address
    this.port = port
    this.events = events
    this.#host = host
  }

  /**
   * Sends a datagram. UDP promises nothing: that it was sent is all there is to know.
   *
   * @throws NetstackOptionError when the address is none, or the payload larger than 65,507 bytes
   * @throws NetstackUnreachableError when there is no route
   */
  send(payload: Uint8Array, port: number, address: string): void {
    if (this.#closed) throw new NetstackClosedError('the UDP socket is closed')
    const destination = parseAddress(address)
    if (destination === undefined)
      throw new NetstackOptionError(`${JSON.stringify(address)} is no IP address`)
    const via = this.#host.route(destination)
    const source = this.address ?? via?.sourceFor(destination)
    if (via === undefined || source === undefined)
      throw new NetstackUnreachableError(`there is no route to ${address}: add one to an interface`)
    if (!this.#host.endpoints.send(via, source, this.port, destination, port, payload))
      throw new NetstackOptionError(`a datagram of ${payload.length} bytes is too large for UDP`)
  }

  /** Gives the port back. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#host.endpoints.unbind(this)
  }

  /** @internal Called by the stack. */
  onDatagram(
    payload: Uint8Array,
    source: Int32Array,
    sourcePort: number,
    destination: Int32Array
  ): void {
    this.events.onDatagram?.(payload, {
      address: formatAddress(source),
      port: sourcePort,
      localAddress: formatAddress(destination)
    })
  }

  /** @internal Called by the stack. */
  onIcmpReport(destination: Int32Array, destinationPort: number, report: IcmpReport): void {
    const why =
      report.kind === 'unreachable'
        ? `${report.reason} unreachable`
        : report.kind === 'too-big'
          ? `larger than the path, which carries ${report.mtu} bytes`
          : 'too many hops'
    this.events.onUnreachable?.(
      new NetstackUnreachableError(
        `a datagram to ${formatAddress(destination)} port ${destinationPort} was not delivered: ${why}`
      )
    )
  }
}
