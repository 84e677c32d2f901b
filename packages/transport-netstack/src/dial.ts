import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { Logger } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { type Stack, type TcpSocket, createStack } from '@warren/netstack'
import { unref, waitFor } from '@warren/utils'
import { addrOf, endpointOf } from './address.ts'
import { type UdpEndpoint, printEndpoint } from './association/cookie-jar.ts'
import type { DiallerEnd } from './association/dialler-association.ts'
import { DATA_HEADER, ID_LENGTH } from './association/messages.ts'
import { virtualAddress } from './association/virtual-address.ts'
import { NetstackConnection } from './connection.ts'
import {
  NetstackConnectError,
  NetstackConnectTimeoutError,
  NetstackConnectionLostError
} from './errors.ts'
import { DiallerLink } from './link/dialler-link.ts'
import type { ResolvedNetstackOptions } from './options.ts'
import { SERVICE_PORT, stackOptionsOf } from './stack-options.ts'
import { UdpSocket } from './udp/udp-socket.ts'

/** Milliseconds that an ended connection's association stays, to answer the peer's last segments. */
const FAREWELL = 1_000

/**
 * Connects: a socket, an association in it, a stack on that, and one TCP connection.
 *
 * @throws NetstackConnectError, NetstackConnectTimeoutError; the signal's reason
 */
export async function dial(
  ma: Multiaddr,
  options: ResolvedNetstackOptions,
  log: Logger,
  signal: AbortSignal
): Promise<NetstackConnection> {
  signal.throwIfAborted()
  const endpoint = await endpointOf(ma).catch((cause: NodeJS.ErrnoException) => {
    if (cause.syscall !== 'getaddrinfo') throw cause
    throw new NetstackConnectError(`cannot dial ${ma.toString()}: no such name`, { cause })
  })
  const socket = await openSocket(endpoint, options)
  if (signal.aborted) {
    socket.close()
    throw signal.reason
  }
  const attempt = new Attempt(ma, endpoint, socket, options, log)
  try {
    return await waitFor(attempt.connected, signal)
  } catch (error) {
    attempt.abandon()
    throw error
  }
}

async function openSocket(
  endpoint: UdpEndpoint,
  options: ResolvedNetstackOptions
): Promise<UdpSocket> {
  try {
    return await UdpSocket.open({
      host: isIPv6(endpoint.address) ? '::' : '0.0.0.0',
      port: 0,
      connect: endpoint,
      segment: DATA_HEADER + options.mtu,
      offload: options.offload
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new NetstackConnectError(
      `cannot dial ${printEndpoint(endpoint)}: ${code === 'ENETUNREACH' ? 'this machine has no route there' : message}`,
      { cause }
    )
  }
}

/** One dial, and what it opened, until the connection is over. */
class Attempt {
  readonly #ma: Multiaddr
  readonly #endpoint: UdpEndpoint
  readonly #socket: UdpSocket
  readonly #options: ResolvedNetstackOptions
  readonly #log: Logger
  readonly #id: number
  readonly #stack: Stack
  readonly #link: DiallerLink
  readonly #connected = Promise.withResolvers<NetstackConnection>()
  readonly #timer: NodeJS.Timeout
  #tcp: TcpSocket | undefined
  #connection: NetstackConnection | undefined

  constructor(
    ma: Multiaddr,
    endpoint: UdpEndpoint,
    socket: UdpSocket,
    options: ResolvedNetstackOptions,
    log: Logger
  ) {
    this.#ma = ma
    this.#endpoint = endpoint
    this.#socket = socket
    this.#options = options
    this.#log = log
    this.#id = 1 + (randomBytes(ID_LENGTH).readUIntBE(0, ID_LENGTH) % (2 ** 48 - 1))
    this.#stack = createStack(stackOptionsOf(options))
    this.#link = new DiallerLink(
      socket,
      { id: this.#id, mtu: options.mtu, timeout: options.connectTimeout },
      { onReady: () => this.#connect(), onEnded: why => this.#onEnded(why) }
    )
    this.#timer = setTimeout(() => this.#fail(this.#timeoutError()), options.connectTimeout)
    this.#stack
      .addInterface(this.#link, [virtualAddress('dialler', this.#id)])
      .addRoute(virtualAddress('listener', this.#id))
  }

  get connected(): Promise<NetstackConnection> {
    return this.#connected.promise
  }

  /** Nobody wants the connection any more. */
  abandon(): void {
    clearTimeout(this.#timer)
    this.#tcp?.abort()
    this.#stack.close()
    this.#link.close()
  }

  #connect(): void {
    const tcp = this.#stack.connect({
      address: virtualAddress('listener', this.#id),
      port: SERVICE_PORT,
      localAddress: virtualAddress('dialler', this.#id)
    })
    this.#tcp = tcp
    tcp.events = {
      onConnect: () => this.#succeed(tcp),
      onClose: error =>
        this.#fail(
          new NetstackConnectError(
            `cannot dial ${this.#ma.toString()}: the peer takes no connection now`,
            { cause: error }
          )
        )
    }
  }

  #succeed(tcp: TcpSocket): void {
    clearTimeout(this.#timer)
    const connection = new NetstackConnection({
      socket: tcp,
      direction: 'outbound',
      remoteAddr: this.#ma,
      localAddr: addrOf(this.#socket.local),
      log: this.#log,
      lingerTimeout: this.#options.lingerTimeout
    })
    this.#connection = connection
    tcp.setKeepAlive(this.#options.keepAlive)
    connection.addEventListener('close', () => this.#sayFarewell(), { once: true })
    this.#connected.resolve(connection)
  }

  #sayFarewell(): void {
    this.#socket.unref()
    const timer = setTimeout(() => {
      this.#stack.close()
      this.#link.close()
    }, FAREWELL)
    unref(timer)
  }

  #onEnded(why: DiallerEnd | 'refused'): void {
    if (this.#connection === undefined) {
      this.#fail(why === 'silent' ? this.#timeoutError() : this.#refusedError(why))
      return
    }
    this.#connection.lose(
      new NetstackConnectionLostError(
        `the connection with ${this.#ma.toString()} was lost: ${LOST[why]}`
      )
    )
  }

  #fail(error: Error): void {
    this.#connected.reject(error)
    this.abandon()
  }

  #refusedError(why: DiallerEnd | 'refused'): Error {
    return new NetstackConnectError(
      `cannot dial ${printEndpoint(this.#endpoint)}: ${why === 'refused' ? 'nothing listens on that UDP port' : LOST[why]}`
    )
  }

  #timeoutError(): Error {
    return new NetstackConnectTimeoutError(
      `cannot dial ${printEndpoint(this.#endpoint)}: no answer within ${this.#options.connectTimeout} ms; nothing may listen there, or a firewall drops UDP`
    )
  }
}

const LOST: Record<DiallerEnd | 'refused', string> = {
  silent: 'the peer no longer answers',
  closed: 'the peer has closed it',
  forgotten: 'the peer was restarted',
  refused: 'the peer is gone'
}
