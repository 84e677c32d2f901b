import { createServer, connect } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterwards } from './nodes.ts'

/** A TCP proxy in this process whose connections a test can cut. */
export class TcpProxy {
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  /** Connections that were taken so far. */
  connections = 0
  /** Milliseconds that each piece takes longer on its way, in either direction. */
  delay = 0
  /** Hears every piece that passes. */
  onData: ((chunk: Uint8Array) => void) | undefined

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
  }

  /** A proxy on a free port of loopback for `target` on loopback; ends after the test. */
  static async to(target: number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: false })
    const proxy = new TcpProxy(server, target)
    server.on('connection', socket => proxy.#onConnection(socket))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    afterwards(async () => proxy.close())
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get open(): number {
    return this.#sockets.size / 2
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  /** From now on nothing passes on connections that are open now; nothing is closed either. */
  blackhole(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners('data')
      socket.pause()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #onConnection(client: Socket): void {
    this.connections++
    const server = connect(this.#target, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay()
      from.on('data', chunk => {
        this.onData?.(chunk)
        if (this.delay > 0) setTimeout(() => to.write(chunk), this.delay)
        else if (!to.write(chunk)) {
          from.pause()
          to.once('drain', () => from.resume())
        }
      })
      from.on('error', () => {})
      from.on('close', () => {
        this.#sockets.delete(from)
        this.#sockets.delete(to)
        to.destroy()
      })
    }
  }
}
