import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import type {
  ComponentLogger,
  Connection,
  Logger,
  MultiaddrConnection,
  StreamCloseEvent,
  Upgrader,
  UpgraderOptions
} from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { SlotGrantingUpgrader } from '@warren/interface'
import type { SocketConnection } from '../src/connection.ts'
import { DescriptorBudget } from '../src/descriptors.ts'
import { resolveOptions, type TcpOptions } from '../src/options.ts'
import { SocketTransport } from '../src/transport.ts'

/** A logger that says nothing. */
export const quiet: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => quiet
})

export const logger: ComponentLogger = { forComponent: () => quiet }

/** A budget of its own for each test, as wide as one likes. */
export function budget(limit = 10_000): DescriptorBudget {
  return new DescriptorBudget({ limit, count: () => 0, now: () => performance.now() })
}

/** A transport without a node around it. */
export function transport(options: TcpOptions = {}, descriptors = budget()): SocketTransport {
  return new SocketTransport({ logger }, resolveOptions(options), descriptors)
}

/** An upgrader like libp2p's, without any protocol: what it "upgrades" are the raw conns. */
export function rawUpgrader(
  inbound: (
    connection: MultiaddrConnection,
    options: UpgraderOptions
  ) => Promise<void> | void = () => {},
  outbound: (connection: MultiaddrConnection) => Promise<void> | void = () => {}
): SlotGrantingUpgrader {
  const upgrader: Pick<Upgrader, 'upgradeInbound' | 'upgradeOutbound'> = {
    async upgradeInbound(connection: MultiaddrConnection, options: UpgraderOptions) {
      await inbound(connection, options)
    },
    async upgradeOutbound(connection: MultiaddrConnection) {
      await outbound(connection)
      return connection as unknown as Connection
    }
  }
  return upgrader as SlotGrantingUpgrader
}

/** Dials `ma` and gives the raw conn. */
export async function dial(ma: Multiaddr, options: TcpOptions = {}): Promise<SocketConnection> {
  const { signal } = new AbortController()
  const connection = await transport(options).dial(ma, { signal, upgrader: rawUpgrader() })
  return connection as unknown as SocketConnection
}

/** Our conn, dialled, and the plain `net.Socket` at its other end. */
export interface Pair {
  readonly conn: SocketConnection
  readonly peer: Socket
}

/** Servers and sockets of a test, ended after it. */
export class Scene {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #conns: SocketConnection[] = []

  async pair(options: TcpOptions = {}): Promise<Pair> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true })
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const conn = await dial(tcpAddr(server), options)
    this.#conns.push(conn)
    const [peer] = (await accepted) as [Socket]
    peer.on('error', () => {})
    this.#sockets.add(peer)
    return { conn, peer }
  }

  /** A plain client of `ma`. */
  async client(ma: Multiaddr): Promise<Socket> {
    const socket = this.start(ma)
    await once(socket, 'connect')
    return socket
  }

  /** The same, not awaited. */
  start(ma: Multiaddr): Socket {
    const parts = ma.getComponents()
    const path = parts.find(part => part.name === 'unix')?.value
    const socket =
      path === undefined
        ? connect({
            host: parts[0]?.value ?? '',
            port: Number(parts[1]?.value),
            allowHalfOpen: true
          })
        : connect({ path, allowHalfOpen: true })
    socket.on('error', () => {})
    this.#sockets.add(socket)
    return socket
  }

  async end(): Promise<void> {
    for (const conn of this.#conns.splice(0)) conn.abort(new Error('the test is over'))
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await Promise.all(
      this.#servers.splice(0).map(server => new Promise(resolve => server.close(resolve)))
    )
  }
}

export function tcpAddr(server: Server): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`)
}

/** The 'close' event of a conn. */
export function closed(conn: MultiaddrConnection): Promise<StreamCloseEvent> {
  return new Promise(resolve => conn.addEventListener('close', resolve, { once: true }))
}

/** Resolves when a socket is closed, with the code of its error if it had one. */
export async function gone(socket: Socket): Promise<string | undefined> {
  socket.resume()
  if (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
  return (socket.errored as NodeJS.ErrnoException | null)?.code
}

/** Every byte a socket gives until its end, which it then answers. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  socket.resume()
  await once(socket, 'end')
  socket.end()
  return Buffer.concat(chunks)
}

/** Resolves when `condition` holds, looking after every turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2))
}

/** Bytes in which every place is recognisable. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (seed + i * 31 + (i >> 8) * 17) & 0xff
  return bytes
}
