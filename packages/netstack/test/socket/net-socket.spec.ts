import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { type NetServer, connect, createServer } from '../../src/socket/net-server.ts'
import type { NetSocket } from '../../src/socket/net-socket.ts'
import { type Stack, createStack } from '../../src/stack/stack.ts'

/** Two stacks in real time. */
describe('Node streams on a stack', () => {
  let client: Stack
  let server: Stack
  beforeEach(() => {
    const [left, right] = memoryLinkPair({ seed: 3 })
    client = createStack()
    server = createStack()
    client.addInterface(left, ['10.0.0.1/24'])
    server.addInterface(right, ['10.0.0.2/24'])
  })
  afterEach(() => {
    client.close()
    server.close()
  })

  const listen = async (
    onConnection: (socket: NetSocket) => void,
    allowHalfOpen = false
  ): Promise<NetServer> => {
    const listening = createServer(server, onConnection, { allowHalfOpen }).listen({ port: 80 })
    await once(listening, 'listening')
    assert.deepEqual(listening.address(), { address: '::', port: 80, family: 'IPv6' })
    return listening
  }
  const dial = (allowHalfOpen = false): NetSocket =>
    connect(client, { host: '10.0.0.2', port: 80, allowHalfOpen })

  it('pipes megabytes through an echo, and closes when both have ended', async () => {
    const echo = await listen(socket => socket.pipe(socket))
    const socket = dial()
    const body = randomBytes(3_000_000)
    const pieces: Buffer[] = []
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.end(body)
    await once(socket, 'close')
    assert.ok(Buffer.concat(pieces).equals(body))
    assert.equal(socket.errored, null)
    const closed = once(echo, 'close')
    echo.close()
    await closed
  })

  it('stops the writer when nobody reads, and goes on when somebody does', async () => {
    const accepted = Promise.withResolvers<NetSocket>()
    await listen(accepted.resolve)
    const socket = dial()
    const reader = await accepted.promise
    let written = 0
    const chunk = Buffer.alloc(65_536)
    let stuck = false
    while (!stuck) {
      const taken = new Promise<void>(resolve => socket.write(chunk, () => resolve()))
      written += chunk.length
      stuck = await Promise.race([
        taken.then(() => false),
        new Promise<boolean>(resolve => setTimeout(resolve, 300, true))
      ])
      assert.ok(written < 40_000_000, 'it takes without end')
    }
    socket.end()
    let read = 0
    for await (const piece of reader) read += (piece as Buffer).length
    assert.equal(read, written)
  })

  it('ends its side by itself unless half-open is allowed', async () => {
    await listen(socket => socket.end('bye'))
    const plain = dial()
    plain.resume()
    await once(plain, 'close')
    assert.equal(plain.writableEnded, true)
    const half = dial(true)
    half.resume()
    await once(half, 'end')
    assert.equal(half.writableEnded, false)
    half.end()
    await once(half, 'close')
  })

  it('reports refusals and resets as errors, and an aborted signal as its reason', async () => {
    const refused = dial()
    const [error] = (await once(refused, 'error')) as [Error]
    assert.equal(Reflect.get(error, 'code'), 'ERR_NETSTACK_REFUSED')
    await listen(socket => socket.resetAndDestroy())
    const reset = dial()
    reset.resume()
    const [why] = (await once(reset, 'error')) as [Error]
    assert.equal(Reflect.get(why, 'code'), 'ERR_NETSTACK_RESET')
    const controller = new AbortController()
    const aborted = connect(client, { host: '10.0.0.2', port: 80, signal: controller.signal })
    controller.abort(new Error('not any more'))
    const [reason] = (await once(aborted, 'error')) as [Error]
    assert.equal(reason.message, 'not any more')
    assert.throws(
      () => connect(client, { host: '10.0.0.2', port: 80, signal: controller.signal }),
      /not any more/
    )
  })

  it('works with pipeline, and destroy tells the peer', async () => {
    const accepted = Promise.withResolvers<NetSocket>()
    await listen(accepted.resolve)
    const socket = dial()
    const there = await accepted.promise
    const sending = assert.rejects(
      pipeline(async function* () {
        for (;;) yield await Promise.resolve(Buffer.alloc(10_000))
      }, socket)
    )
    await once(there, 'readable')
    there.destroy()
    await sending
    assert.equal(server.stats.connections, 0)
  })
})
