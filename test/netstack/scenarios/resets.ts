import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectKernel, createServer as createKernelServer } from 'node:net'
import type { Socket } from 'node:net'
import { type NetSocket, connect, createServer } from '@warren/netstack'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { listening } from '../support/sockets.ts'

/** Resets and refusals in both roles and directions arrive as what they are. */
export async function resets(): Promise<Findings> {
  await using network = await benchNetwork()
  const errorOf = async (socket: NetSocket | Socket): Promise<unknown> => {
    const [error] = (await once(socket, 'error')) as [Error]
    return Reflect.get(error, 'code')
  }

  const refused = connectKernel(9, OURS.v4)
  assert.equal(await errorOf(refused), 'ECONNREFUSED')
  assert.equal(
    await errorOf(connect(network.stack, { host: KERNEL.v4, port: 9 })),
    'ERR_NETSTACK_REFUSED'
  )

  const ours = createServer(network.stack).listen({ port: 7 })
  const fromKernel = connectKernel(7, OURS.v4)
  const [accepted] = (await once(ours, 'connection')) as [NetSocket]
  fromKernel.resetAndDestroy()
  accepted.resume()
  assert.equal(await errorOf(accepted), 'ERR_NETSTACK_RESET')
  const again = connectKernel(7, OURS.v4)
  const [second] = (await once(ours, 'connection')) as [NetSocket]
  second.resetAndDestroy()
  again.resume()
  assert.equal(await errorOf(again), 'ECONNRESET')

  const kernels = createKernelServer()
  const port = await listening(kernels, KERNEL.v4)
  const toKernel = connect(network.stack, { host: KERNEL.v4, port })
  const [taken] = (await once(kernels, 'connection')) as [Socket]
  toKernel.resetAndDestroy()
  taken.resume()
  assert.equal(await errorOf(taken), 'ECONNRESET')
  const other = connect(network.stack, { host: KERNEL.v4, port })
  const [held] = (await once(kernels, 'connection')) as [Socket]
  if (other.connecting) await once(other, 'connect')
  held.resetAndDestroy()
  other.resume()
  assert.equal(await errorOf(other), 'ERR_NETSTACK_RESET')
  kernels.close()
  return {}
}
