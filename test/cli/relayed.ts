import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Stage } from './command.ts'

/** What `warren status --json` tells of a process, as far as relays go. */
export interface RelayedStatus {
  readonly links: readonly {
    readonly path: 'direct' | 'relayed'
    readonly limits?: { readonly bytes?: number; readonly seconds?: number }
  }[]
  readonly sessions: { readonly open: number; readonly detached: number; readonly resumed: number }
  readonly relays: readonly { readonly state: string; readonly error?: string }[]
  readonly relay?: {
    readonly connections: number
    readonly seats: readonly { readonly peer: string; readonly member: boolean }[]
  }
}

/** What the one process of a state directory says of itself. */
export async function statusOf(stage: Stage, home: string): Promise<RelayedStatus> {
  const { out, err } = await stage.finished(home, ['status', '--json'])
  const { processes } = JSON.parse(out) as { processes: RelayedStatus[] }
  const [status] = processes
  if (status === undefined) throw new Error(`no process answers: ${err}`)
  return status
}

/** A port of loopback at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** A TCP forwarder between two ports of loopback. */
export class Forwarder {
  /** Carried, both directions together. */
  bytes = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(to: number) {
    this.#server = createServer(near => {
      const far = connect(to, '127.0.0.1')
      this.#carry(near, far)
      this.#carry(far, near)
    })
  }

  static async start(at: number, to: number): Promise<Forwarder> {
    const forwarder = new Forwarder(to)
    forwarder.#server.listen(at, '127.0.0.1')
    await once(forwarder.#server, 'listening')
    return forwarder
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('data', chunk => (this.bytes += chunk.length))
    from.pipe(to)
  }
}
