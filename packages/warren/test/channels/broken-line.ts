import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A line of TCP to a port on loopback that can be cut. */
export interface BrokenLine {
  readonly port: number
  /** Resets every connection that is on it; the next ones pass. Returns how many there were. */
  cut(): number
  close(): Promise<void>
}

export async function brokenLine(target: number): Promise<BrokenLine> {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [client, far],
      [far, client]
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.once('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): number => {
    const cutNow = [...sockets]
    for (const socket of cutNow) socket.resetAndDestroy()
    return cutNow.length
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    }
  }
}
