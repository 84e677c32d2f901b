import { once } from 'node:events'
import net from 'node:net'

/** A connected pair of TCP sockets; `b` is accepted paused, with half-open allowed, as ours are. */
export async function socketPair(): Promise<{ a: net.Socket; b: net.Socket }> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const port = await listen(server)
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const a = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [b] = await accepted
  if (a.connecting) await once(a, 'connect')
  server.close()
  a.on('error', () => {})
  return { a, b }
}

/** Listens on a free loopback port and says which. */
export async function listen(server: net.Server, path?: string): Promise<number> {
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** How a socket ended: `end` for FIN, otherwise the code of its error. */
export async function ending(socket: net.Socket): Promise<string> {
  return new Promise(resolve => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => resolve('end'))
    socket.on('close', () => resolve('close'))
    socket.resume()
  })
}

/** Everything a socket says until its end. */
export async function readAll(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Waits until `condition` holds, looking once per turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

/** A server, for a test, that is closed with all its connections by {@link TestServer.close}. */
export class TestServer {
  readonly server: net.Server
  readonly sockets = new Set<net.Socket>()
  port = 0
  accepted = 0

  constructor(onSocket: (socket: net.Socket) => void) {
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      this.accepted++
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {})
      onSocket(socket)
    })
  }

  static async start(onSocket: (socket: net.Socket) => void, path?: string): Promise<TestServer> {
    const server = new TestServer(onSocket)
    server.port = await listen(server.server, path)
    return server
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (this.server.listening) {
      this.server.close()
      await once(this.server, 'close')
    }
  }
}
