import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { freeBuffer } from '@warren/utils'
import type { UdpEndpoint } from '../association/cookie-jar.ts'
import { openOffloaded } from './offload.ts'

/** Bytes that one send may carry with segmentation: what fits an IP packet, and 64 segments. */
const MAX_SEND = 60_000
const MAX_SEGMENTS = 60
/** Bytes that may wait in the process because the kernel takes no more; the rest is dropped. */
const QUEUE_LIMIT = 1_048_576
/** Bytes from which on freeing a buffer by hand costs less than leaving it. */
const MIN_FREED = 16_384
/** What the kernel is asked to hold for us each way; it may grant less. */
const KERNEL_BUFFER = 4_194_304

/** Options of {@link UdpSocket.open}. */
export interface UdpSocketOptions {
  /** An IP address of this machine, or `0.0.0.0` or `::`. */
  readonly host: string
  /** 0 for a free one. */
  readonly port: number
  /** Sends to this endpoint only, and receives from it only. */
  readonly connect?: UdpEndpoint
  /** Bytes of a full datagram. */
  readonly segment: number
  /** Whether the kernel may cut and join datagrams. */
  readonly offload: boolean
}

/** What a socket tells its owner. */
export interface UdpReceiver {
  /** One datagram, or several joined; the bytes are lent for the length of the call. */
  onDatagram(bytes: Uint8Array, from: UdpEndpoint): void
  /** The kernel has said that nobody listens there (ICMP), or the socket cannot go on. */
  onError(error: NodeJS.ErrnoException): void
}

/** Counts of a socket since it was opened. */
export interface UdpCounts {
  sent: number
  sentBytes: number
  received: number
  receivedBytes: number
  /** Datagrams not sent, because the kernel or the network took no more. */
  dropped: number
}

/**
 * A UDP socket that is written in bursts: full datagrams to one endpoint that follow each other are
 * sent in one system call where the kernel can cut them.
 */
export class UdpSocket {
  readonly counts: UdpCounts = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, dropped: 0 }
  /** Whether the kernel cuts and joins datagrams here. */
  readonly offloaded: boolean
  readonly #socket: Socket
  readonly #segment: number
  readonly #connected: UdpEndpoint | undefined
  /** Datagrams that wait for more of the same size; the last may be shorter. */
  #burst: Buffer
  #burstLength = 0
  #burstCount = 0
  #burstTo: UdpEndpoint | undefined
  #closed = false

  private constructor(socket: Socket, offloaded: boolean, options: UdpSocketOptions) {
    this.#socket = socket
    this.offloaded = offloaded
    this.#segment = options.segment
    this.#connected = options.connect
    this.#burst = Buffer.allocUnsafeSlow(MAX_SEND)
  }

  /**
   * Opens a socket and binds it.
   *
   * @throws the system's error, with its `code`
   */
  static async open(options: UdpSocketOptions): Promise<UdpSocket> {
    const { host, port, connect } = options
    const type = isIPv6(host) ? 'udp6' : 'udp4'
    const offloaded = options.offload ? openOffloaded(host, port, options.segment) : undefined
    if (offloaded !== undefined && 'errno' in offloaded) throw systemError(offloaded, host, port)
    const socket = createSocket({
      type,
      ipv6Only: type === 'udp6',
      // Addresses are literal here, and this way a send leaves at once.
      lookup: (name, _options, callback) => callback(null, name, type === 'udp6' ? 6 : 4)
    })
    try {
      const bound = once(socket, 'listening')
      if (offloaded === undefined) socket.bind({ port, address: host })
      else socket.bind({ fd: offloaded.fd })
      await bound
      if (connect !== undefined) {
        const connected = once(socket, 'connect')
        socket.connect(connect.port, connect.address)
        await connected
      }
      enlarge(socket)
    } catch (error) {
      socket.close()
      throw error
    }
    return new UdpSocket(socket, offloaded !== undefined, options)
  }

  /** The address that it is bound to. */
  get local(): UdpEndpoint {
    const { address, port } = this.#socket.address()
    return { address, port }
  }

  /** From now on hands what arrives to `receiver`. */
  start(receiver: UdpReceiver): void {
    this.#socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.counts.received++
      this.counts.receivedBytes += bytes.length
      receiver.onDatagram(bytes, from)
      // Each large one has a buffer of its own, which would wait for the collector.
      if (bytes.length >= MIN_FREED && bytes.length === bytes.buffer.byteLength) freeBuffer(bytes)
    })
    this.#socket.on('error', error => receiver.onError(error))
  }

  /**
   * Copies a datagram and sends it, at the latest by `flush`.
   *
   * @param to for a socket that is not connected
   */
  write(bytes: Uint8Array, start: number, end: number, to?: UdpEndpoint): void {
    const length = end - start
    // The kernel would cut it in two, and neither half would be a message.
    if (length > this.#segment) {
      this.counts.dropped++
      return
    }
    if (this.#burstCount > 0 && (to !== this.#burstTo || this.#burstLength + length > MAX_SEND)) {
      this.flush()
    }
    this.#burst.set(bytes.subarray(start, end), this.#burstLength)
    this.#burstLength += length
    this.#burstCount++
    this.#burstTo = to
    // Only full datagrams can be followed by another in one send.
    if (!this.offloaded || length !== this.#segment || this.#burstCount === MAX_SEGMENTS) {
      this.flush()
    }
  }

  /** Sends what waits. */
  flush(): void {
    const length = this.#burstLength
    const count = this.#burstCount
    if (count === 0) return
    const to = this.#burstTo
    this.#burstLength = 0
    this.#burstCount = 0
    this.#burstTo = undefined
    if (this.#closed || this.#socket.getSendQueueSize() > QUEUE_LIMIT) {
      this.counts.dropped += count
      return
    }
    const done = (error: Error | null): void => {
      if (error === null) return
      this.counts.dropped += count
      this.#onSendError(error)
    }
    const queued = this.#socket.getSendQueueCount()
    if (this.#connected !== undefined || to === undefined) {
      this.#socket.send(this.#burst, 0, length, done)
    } else this.#socket.send(this.#burst, 0, length, to.port, to.address, done)
    this.counts.sent += count
    this.counts.sentBytes += length
    // The kernel did not take it yet: the memory is the queue's now.
    if (this.#socket.getSendQueueCount() > queued) this.#burst = Buffer.allocUnsafeSlow(MAX_SEND)
  }

  /** Lets the process end while the socket is open. */
  unref(): void {
    this.#socket.unref()
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    this.#socket.close()
  }

  /** What a send finds out about an earlier one of a connected socket, like ECONNREFUSED. */
  #onSendError(error: NodeJS.ErrnoException): void {
    if (!this.#closed && this.#connected !== undefined) this.#socket.emit('error', error)
  }
}

/** Asks for buffers that hold a burst; a system that grants less is as good, only slower. */
function enlarge(socket: Socket): void {
  for (const set of ['setRecvBufferSize', 'setSendBufferSize'] as const) {
    try {
      socket[set](KERNEL_BUFFER)
    } catch {
      // The system's own size stays.
    }
  }
}

function systemError(
  failure: { readonly call: string; readonly errno: number },
  host: string,
  port: number
): NodeJS.ErrnoException {
  const code = getSystemErrorName(-failure.errno)
  const error: NodeJS.ErrnoException = new Error(`${failure.call} ${code} ${host}:${port}`)
  error.code = code
  error.errno = -failure.errno
  error.syscall = failure.call
  return error
}
