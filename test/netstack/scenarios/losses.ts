import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import { connect, createServer } from '@warren/netstack'
import { KERNEL, KernelRefusal, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { run } from '../support/run.ts'
import { listening, readAll, sha256 } from '../support/sockets.ts'

const BODY = randomBytes(3_000_000)

/** nftables loses every twentieth packet of both directions; all arrives nevertheless, in both roles. */
export async function losses(): Promise<Findings> {
  // Segments of their own: else nftables would lose 64 KiB at a time.
  await using network = await benchNetwork({ tun: { offload: false, name: 'lossy0' } })
  try {
    run('nft', ['-f', '-'], Buffer.from(RULES))
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') throw error
    throw new KernelRefusal(`no nftables: ${String(error)}`)
  }
  createServer(
    network.stack,
    socket => {
      void readAll(socket).then(body => socket.end(body))
    },
    { allowHalfOpen: true }
  ).listen({ port: 7 })
  const there = connectKernel({ port: 7, host: OURS.v4, allowHalfOpen: true })
  there.end(BODY)
  assert.equal(sha256(await readAll(there)), sha256(BODY))

  const kernels = createKernelServer({ allowHalfOpen: true }, socket => {
    void readAll(socket).then(body => socket.end(body))
  })
  const port = await listening(kernels, KERNEL.v4)
  const socket = connect(network.stack, { host: KERNEL.v4, port, allowHalfOpen: true })
  socket.end(BODY)
  assert.equal(sha256(await readAll(socket)), sha256(BODY))
  const { retransmits } = socket.tcp.info()
  assert.ok(retransmits > 0, 'nothing was lost: the rules do not work')
  kernels.close()
  return { retransmits }
}

const RULES = `table inet lossy {
  chain in {
    type filter hook prerouting priority -300
    iifname "lossy0" meta l4proto tcp numgen random mod 100 < 5 drop
  }
  chain out {
    type filter hook postrouting priority 300
    oifname "lossy0" meta l4proto tcp numgen random mod 100 < 5 drop
  }
}
`
