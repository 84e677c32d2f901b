import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'

/** A TCP proxy that keeps a copy of all that passes, in both directions. */
export class RecordingProxy {
  readonly port: number
  /** Where connections lead. */
  target = 0
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #directions: Buffer[][] = []

  private constructor(server: net.Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', client => {
      const upstream = net.connect(this.target, '127.0.0.1')
      this.#copy(client, upstream)
      this.#copy(upstream, client)
    })
  }

  static async start(): Promise<RecordingProxy> {
    const server = net.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RecordingProxy(server)
  }

  /** What has passed: one buffer for each direction of each connection. */
  recorded(): Buffer[] {
    return this.#directions.map(chunks => Buffer.concat(chunks))
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #copy(from: net.Socket, to: net.Socket): void {
    const chunks: Buffer[] = []
    this.#directions.push(chunks)
    this.#sockets.add(from)
    from.on('data', chunk => chunks.push(chunk))
    from.on('error', () => to.destroy())
    from.on('close', () => this.#sockets.delete(from))
    from.pipe(to)
  }
}
