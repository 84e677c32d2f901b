// An exporter in a process of its own, whose memory nobody else uses: see netchan.spec.ts.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { channel, createExporter } from '@warren/netchan'

const exporter = createExporter()

/** Serves whoever connects; the port. */
export async function start(): Promise<number> {
  exporter.export('numbers', channel<number>(0), 'send')
  const server = createServer(socket => {
    void exporter.serveConn(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Exports a channel that has one value to give. */
export function offer(name: string, value: number): void {
  const local = channel<number>(1)
  local.trySend(value)
  exporter.export(name, local, 'send')
}

export function withdraw(name: string): void {
  exporter.hangup(name)
}

export function counts(): { links: number; bound: number } {
  const { links, bound } = exporter.debug()
  return { links, bound }
}

/** Bytes of the heap and of buffers, after a collection. */
export function memory(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
