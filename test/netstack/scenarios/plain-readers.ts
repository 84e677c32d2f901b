import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect as connectKernel } from 'node:net'
import { createServer } from '@warren/netstack'
import { OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { readAll, sha256 } from '../support/sockets.ts'

const BODY = randomBytes(5_000_000)

/** Both ways of reading the device, with and without offload, and several MTUs, carry the same. */
export async function plainReaders(): Promise<Findings> {
  for (const tun of [
    { reader: 'poll', offload: true },
    { reader: 'poll', offload: false },
    { reader: 'pipe', offload: false },
    { reader: 'pipe', offload: true, mtu: 1280 },
    { reader: 'pipe', offload: false, mtu: 65535 }
  ] as const) {
    await using network = await benchNetwork({ tun })
    createServer(network.stack, socket => socket.pipe(socket)).listen({ port: 7 })
    for (const host of [OURS.v4, OURS.v6]) {
      const socket = connectKernel(7, host)
      socket.end(BODY)
      assert.equal(sha256(await readAll(socket)), sha256(BODY), JSON.stringify(tun))
    }
  }
  return {}
}
