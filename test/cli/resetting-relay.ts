import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A TCP relay whose connections can be reset: a link that breaks. */
export interface ResettingRelay {
  readonly port: number
  /** Where it leads; connections before it is set are reset. */
  target: number | undefined
  /**
   * Resets every connection each time so many bytes have passed, both ways together: a transfer
   * of more bytes than that is cut however fast it goes.
   *
   * @default Infinity
   */
  cutEvery: number
  /** Connections that were reset so far. */
  readonly cuts: number
  /** Resets every connection there is; how many there were. */
  cut(): number
  close(): Promise<void>
}

export async function resettingRelay(): Promise<ResettingRelay> {
  const pairs = new Set<readonly Socket[]>()
  let passed = 0
  let cuts = 0
  const server = createServer(client => {
    if (relay.target === undefined) {
      client.resetAndDestroy()
      return
    }
    const target = createConnection(relay.target, '127.0.0.1')
    const pair = [client, target]
    pairs.add(pair)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('data', (chunk: Uint8Array) => {
        passed += chunk.length
        if (passed < relay.cutEvery) return
        passed = 0
        relay.cut()
      })
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    client.pipe(target)
    target.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const relay: ResettingRelay = {
    port: (server.address() as AddressInfo).port,
    target: undefined,
    cutEvery: Number.POSITIVE_INFINITY,
    get cuts() {
      return cuts
    },
    cut: () => {
      const open = pairs.size
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
      cuts += open
      return open
    },
    close: async () => {
      relay.cut()
      const closed = once(server, 'close')
      server.close()
      await closed
    }
  }
  return relay
}
