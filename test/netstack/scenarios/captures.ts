import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import { connect, createServer } from '@warren/netstack'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { run } from '../support/run.ts'
import { listening, readAll } from '../support/sockets.ts'
import { inspect } from '../support/tshark.ts'

const BODY = Buffer.alloc(1_000_000, 'warren')

/** tshark finds nothing malformed and no bad checksum in all that passed, with and without offload. */
export async function captures(): Promise<Findings> {
  run('tshark', ['--version'])
  const findings: Record<string, number> = {}
  for (const offload of [true, false]) {
    await using network = await benchNetwork({ tun: { offload }, capture: true })
    const { stack } = network
    createServer(stack, socket => socket.pipe(socket)).listen({ port: 7 })
    const kernels = createKernelServer(socket => socket.pipe(socket).on('error', () => {}))
    for (const [kernel, ours] of [
      [KERNEL.v4, OURS.v4],
      [KERNEL.v6, OURS.v6]
    ] as const) {
      const port = await listening(kernels, kernel)
      const back = connectKernel(7, ours)
      back.end(BODY)
      assert.equal((await readAll(back)).length, BODY.length)
      const socket = connect(stack, { host: kernel, port })
      socket.end(BODY)
      assert.equal((await readAll(socket)).length, BODY.length)
      const reset = connect(stack, { host: kernel, port })
      await once(reset, 'connect')
      reset.resetAndDestroy()
      const closed = connectKernel(9, ours)
      await once(closed, 'error')
      await stack.ping(kernel, { size: 5000 })
      stack.bindUdp({ port: 0 }).send(new Uint8Array(5000), 9, kernel)
      kernels.close()
    }
    const { packets, wrong } = inspect(network.captured())
    assert.ok(packets > 100)
    assert.deepEqual(wrong, [])
    findings[offload ? 'packets with offload' : 'packets without'] = packets
  }
  return findings
}
