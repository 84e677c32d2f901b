import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { once } from 'node:events'

/** The first bytes of messages of `@warren/transport-netstack`, spec.md §2. */
const DATA = 0x15
const CLOSE = 0x18
const UNKNOWN = 0x19
/** Bytes of the type and the id that a message begins with. */
const HEAD = 7
/** Bytes that the kernel keeps for a socket while this process is busy. */
const BUFFER = 4 * 2 ** 20

/** One client, and the socket by which the target sees it. */
interface Flow {
  readonly client: RemoteInfo
  outside: Socket
  /** The first bytes of the last data that the client has sent. */
  head: Buffer | undefined
}

/**
 * A UDP relay: a NAT that can forget what it knows, and a network that can lose a connection.
 */
export class UdpRelay {
  readonly port: number
  /** Datagrams that have passed. */
  passed = 0
  /** Flows that were cut. */
  cuts = 0
  /** Drops everything. */
  silent = false
  readonly #inside: Socket
  readonly #flows = new Map<string, Flow>()
  #target = 0

  private constructor(inside: Socket) {
    this.#inside = inside
    this.port = inside.address().port
    inside.on('message', (bytes, client) => this.#up(bytes, client))
  }

  static async start(): Promise<UdpRelay> {
    const inside = createSocket({ type: 'udp4', recvBufferSize: BUFFER, sendBufferSize: BUFFER })
    inside.bind(0, '127.0.0.1')
    await once(inside, 'listening')
    return new UdpRelay(inside)
  }

  /** Where it leads. */
  aim(port: number): void {
    this.#target = port
  }

  /** From now on the target sees each client at another port, as behind a NAT that was restarted. */
  move(): void {
    for (const flow of this.#flows.values()) {
      flow.outside.close()
      flow.outside = this.#outside(flow.client)
    }
  }

  /**
   * Ends each association in the middle: its client is told that nobody knows it any more, and the
   * target that the client has gone.
   */
  cut(): void {
    for (const [key, { client, head, outside }] of this.#flows) {
      if (head === undefined) continue
      this.#flows.delete(key)
      this.cuts++
      const id = head.subarray(1)
      this.#inside.send(Buffer.of(UNKNOWN, ...id), client.port, client.address)
      outside.send(Buffer.of(CLOSE, ...id), this.#target, '127.0.0.1', () => outside.close())
    }
  }

  async close(): Promise<void> {
    for (const { outside } of this.#flows.values()) outside.close()
    this.#flows.clear()
    const closed = once(this.#inside, 'close')
    this.#inside.close()
    await closed
  }

  #up(bytes: Buffer, client: RemoteInfo): void {
    const key = `${client.address}:${client.port}`
    let flow = this.#flows.get(key)
    if (flow === undefined) {
      // Of a flow that was cut: only who begins anew gets through.
      if (bytes[0] === DATA) return
      flow = { client, outside: this.#outside(client), head: undefined }
      this.#flows.set(key, flow)
    }
    if (this.silent) return
    if (bytes[0] === DATA) flow.head = bytes.subarray(0, HEAD)
    this.passed++
    flow.outside.send(bytes, this.#target, '127.0.0.1')
  }

  #outside(client: RemoteInfo): Socket {
    const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER, sendBufferSize: BUFFER })
    socket.on('message', bytes => {
      if (this.silent) return
      this.passed++
      this.#inside.send(bytes, client.port, client.address)
    })
    // What leaves while it is being cut.
    socket.on('error', () => {})
    return socket
  }
}
