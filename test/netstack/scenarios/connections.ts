import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Stack, connect, createServer } from '@warren/netstack'
import { until } from '../../support/until.ts'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { listening, readAll } from '../support/sockets.ts'

const CONNECTIONS = 1000

/** Under way at once. */
const AT_ONCE = 100

/** The kernel opens and closes a thousand connections to us. */
export async function passive(): Promise<Findings> {
  await using network = await benchNetwork()
  createServer(network.stack, socket => socket.pipe(socket)).listen({ port: 7 })
  await openAndClose(() => connectKernel(7, OURS.v4))
  assert.equal(network.stack.stats.connectionsAccepted, CONNECTIONS)
  return await allEnded(network.stack)
}

/** We open and close a thousand connections to the kernel. */
export async function active(): Promise<Findings> {
  await using network = await benchNetwork()
  const server = createKernelServer(socket => socket.pipe(socket))
  const port = await listening(server, KERNEL.v4)
  await openAndClose(() => connect(network.stack, { host: KERNEL.v4, port }))
  assert.equal(network.stack.stats.connectionsOpened, CONNECTIONS)
  server.close()
  return await allEnded(network.stack)
}

/** The last acknowledgements may still be on their way: then no connection is left but in TIME-WAIT. */
async function allEnded(stack: Stack): Promise<Findings> {
  const ended = (): boolean => stack.stats.connections === stack.stats.timeWaiting
  await until(ended, 'every connection had ended')
  return { timeWaiting: stack.stats.timeWaiting }
}

async function openAndClose(open: () => Duplex): Promise<void> {
  let left = CONNECTIONS
  const worker = async (): Promise<void> => {
    while (left > 0) {
      const text = `number ${left--}`
      const socket = open()
      socket.end(text)
      assert.equal((await readAll(socket)).toString(), text)
      if (!socket.closed) await once(socket, 'close')
      assert.equal(socket.errored, null)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
