import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import { connect, createServer } from '@warren/netstack'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { listening, readAll } from '../support/sockets.ts'

const REPLY = Buffer.alloc(2_000_000, 7)

/** One side ends, the other still sends two megabytes: in both roles. */
export async function halfClose(): Promise<Findings> {
  await using network = await benchNetwork()

  const ours = createServer(
    network.stack,
    socket => void readAll(socket).then(asked => socket.end(Buffer.concat([asked, REPLY]))),
    { allowHalfOpen: true }
  )
  ours.listen({ port: 7 })
  const asking = connectKernel({ port: 7, host: OURS.v4, allowHalfOpen: true })
  asking.end('question')
  assert.deepEqual(await readAll(asking), Buffer.concat([Buffer.from('question'), REPLY]))
  if (!asking.closed) await once(asking, 'close')

  const kernels = createKernelServer({ allowHalfOpen: true }, socket => {
    void readAll(socket).then(asked => socket.end(Buffer.concat([asked, REPLY])))
  })
  const port = await listening(kernels, KERNEL.v4)
  const socket = connect(network.stack, { host: KERNEL.v4, port, allowHalfOpen: true })
  socket.end('question')
  assert.deepEqual(await readAll(socket), Buffer.concat([Buffer.from('question'), REPLY]))
  if (!socket.closed) await once(socket, 'close')
  assert.equal(socket.errored, null)
  kernels.close()
  return {}
}
