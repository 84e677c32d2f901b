import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { until } from '../../support/until.ts'
import { KERNEL, OURS, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'

/** Echo requests and datagrams, whole and in fragments, and unreachable ports, with the kernel. */
export async function datagrams(): Promise<Findings> {
  await using network = await benchNetwork({ capture: true })
  const { stack } = network
  for (const [kernel, ours, type] of [
    [KERNEL.v4, OURS.v4, 'udp4'],
    [KERNEL.v6, OURS.v6, 'udp6']
  ] as const) {
    for (const size of [0, 56, 4000, 30_000])
      await until(
        async () => await stack.ping(kernel, { size, timeout: 2000 }).then(Boolean, () => false),
        `${kernel} echoes ${size} bytes`
      )

    const told = Promise.withResolvers<Error>()
    const echo = stack.bindUdp(
      { port: 7 },
      {
        onDatagram: (payload, from) => echo.send(payload.slice(), from.port, from.address),
        onUnreachable: told.resolve
      }
    )
    const kernels = createSocket(type)
    kernels.bind(0, kernel)
    await once(kernels, 'listening')
    for (const size of [1, 1472, 9000, 60_000]) {
      const sent = Buffer.alloc(size, size)
      const answer = once(kernels, 'message') as Promise<[Buffer]>
      // Nobody promises that a datagram arrives: a busy machine may drop one.
      const timer = setInterval(() => kernels.send(sent, 7, ours), 1000)
      kernels.send(sent, 7, ours)
      const [received] = await answer
      clearInterval(timer)
      assert.deepEqual(received, sent)
    }
    kernels.close()

    echo.send(Buffer.from('nobody there'), 9, kernel)
    assert.match((await told.promise).message, /port 9 was not delivered: port unreachable/)
    const refused = createSocket(type)
    refused.connect(9, ours)
    await once(refused, 'connect')
    refused.send('nobody here')
    const [error] = (await once(refused, 'error')) as [Error]
    assert.equal(Reflect.get(error, 'code'), 'ECONNREFUSED')
    refused.close()
    echo.close()
  }
  return {}
}
