import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { yamux } from '@warren/yamux'
import {
  addressThrough,
  afterwards,
  closeSwarms,
  dialling,
  echo,
  exchange,
  listening
} from '../support/swarms.ts'

const ECHO = '/test/echo/1.0.0'
/** Milliseconds; `WARREN_IDLE=60000` for the whole bar. */
const IDLE = Number(process.env['WARREN_IDLE'] ?? 3_000)

/** A TCP proxy that counts what it carries. */
async function countingProxy(target: number): Promise<{ port: number; bytes: () => number }> {
  let bytes = 0
  const server = createServer(near => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      from.on('data', chunk => {
        bytes += chunk.length
      })
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(async () => {
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes }
}

/** What an idle connection with a stream open carries in a while. */
async function idleBytes(keepAliveInterval: number): Promise<number> {
  const parts = { streamMuxers: [yamux({ keepAliveInterval })] }
  const server = await listening(parts)
  await server.handle(ECHO, echo)
  const [address] = server.listenAddrs()
  const port = Number(address?.getComponents().find(({ name }) => name === 'tcp')?.value)
  const proxy = await countingProxy(port)
  const client = await dialling(parts)
  const connection = await client.dial(addressThrough(proxy.port, server))
  await exchange(await connection.newStream(ECHO), 'hello')
  const open = await connection.newStream(ECHO)
  // What is still under way of all that.
  await new Promise(resolve => setTimeout(resolve, 200))
  const before = proxy.bytes()
  assert.ok(before > 100, 'the proxy carries the connection')
  await new Promise(resolve => setTimeout(resolve, IDLE))
  const carried = proxy.bytes() - before
  assert.deepEqual([connection.status, open.status], ['open', 'open'])
  return carried
}

describe('an idle connection', () => {
  afterEach(closeSwarms)

  it(`carries nothing in ${IDLE} ms but keepalive`, async function () {
    this.timeout(IDLE + 20_000)
    const [silent, kept] = await Promise.all([idleBytes(3_600_000), idleBytes(IDLE / 4)])
    assert.equal(silent, 0)
    // The control: keepalive is what there is to see.
    assert.ok(kept > 0, 'keepalive was not seen')
    assert.ok(kept < 16 * (12 + 18) * 2, `${kept} bytes are more than pings`)
  })
})
