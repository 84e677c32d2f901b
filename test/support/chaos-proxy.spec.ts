import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { ChaosProxy } from './chaos-proxy.ts'
import type { ChaosCounts } from './chaos-proxy.ts'

describe('chaos proxy', () => {
  let server: net.Server
  let proxy: ChaosProxy
  const sockets = new Set<net.Socket>()
  /** Connections as the target has them, oldest first. */
  let arrived: net.Socket[] = []

  beforeEach(async () => {
    arrived = []
    server = net.createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      keep(socket)
      arrived.push(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    proxy = await ChaosProxy.start({ port: (server.address() as net.AddressInfo).port })
  })

  afterEach(async () => {
    await proxy.stop()
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })

  function keep(socket: net.Socket): net.Socket {
    socket.on('error', () => {})
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  /** A connection through the proxy, and its end at the target. */
  async function connect(): Promise<[net.Socket, net.Socket]> {
    const socket = keep(net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }))
    const before = arrived.length
    await until(() => arrived.length > before)
    return [socket, arrived[before] ?? assert.fail('none arrived')]
  }

  it('forwards both ways, with half-close, and counts', async () => {
    const [client, target] = await connect()
    client.end('question')
    assert.equal(String(await readAll(target)), 'question')
    target.end('the answer')
    assert.equal(String(await readAll(client)), 'the answer')
    const counts = await countsWhen(proxy, ({ open }) => open === 0)
    assert.deepEqual(counts, {
      accepted: 1,
      open: 0,
      cuts: 0,
      resets: 0,
      midFrame: 0,
      blackholed: 0,
      up: 8,
      down: 10
    })
  })

  it('carries 16 MiB unchanged', async () => {
    const [client, target] = await connect()
    const bytes = Buffer.alloc(16 * 1024 * 1024, 'some pattern of odd length')
    client.end(bytes)
    const got = await readAll(target)
    assert.ok(got.equals(bytes))
  })

  it('reset: every connection sees a RST on both sides, and is counted', async () => {
    const pairs = [await connect(), await connect()]
    const endings = pairs.flat().map(ending)
    assert.equal((await proxy.reset()).resets, 2)
    assert.deepEqual(await Promise.all(endings), Array(4).fill('ECONNRESET'))
    const counts = await proxy.reset()
    assert.equal(counts.cuts, 2, 'a reset that met nothing is no cut')
    const [client, target] = await connect()
    client.write('again')
    assert.equal(String((await once(target, 'data'))[0]), 'again')
  })

  it('a reset by an end is a reset at the other', async () => {
    const [client, target] = await connect()
    const end = ending(target)
    client.resetAndDestroy()
    assert.equal(await end, 'ECONNRESET')
    assert.equal((await proxy.counts()).cuts, 0)
  })

  it('a target that is not there resets the client', async () => {
    const dead = await ChaosProxy.start({ port: await freePort() })
    const client = keep(net.connect({ port: dead.port, host: '127.0.0.1' }))
    assert.equal(await ending(client), 'ECONNRESET')
    await dead.stop()
  })

  it('black hole: nothing passes and nothing closes, new connections too, until healed', async () => {
    const [client, target] = await connect()
    await proxy.blackhole()
    client.write('one')
    target.write('two')
    const [late, lateTarget] = await connect()
    late.write('three')
    const counts = await proxy.counts()
    assert.deepEqual([counts.up, counts.down, counts.blackholed], [0, 0, 2])
    const silent = [client, target, lateTarget].map(socket => silentFor(socket, 30))
    assert.deepEqual(await Promise.all(silent), [true, true, true])
    const all = [target, client, lateTarget].map(socket => once(socket.resume(), 'data'))
    await proxy.heal()
    const got = (await Promise.all(all)).map(([data]) => String(data))
    assert.deepEqual(got, ['one', 'two', 'three'])
  })

  it('black hole of one direction: the other goes on', async () => {
    const [client, target] = await connect()
    await proxy.blackhole({ flow: 'up' })
    client.write('lost for now')
    target.write('still comes')
    assert.equal(String((await once(client, 'data'))[0]), 'still comes')
    assert.equal(await silentFor(target, 20), true)
  })

  it('black hole of existing connections only: new ones work', async () => {
    const [old, oldTarget] = await connect()
    assert.equal((await proxy.blackhole({ existingOnly: true })).blackholed, 1)
    const [client, target] = await connect()
    client.write('new')
    assert.equal(String((await once(target, 'data'))[0]), 'new')
    old.write('old')
    assert.equal(await silentFor(oldTarget, 20), true)
  })

  it('refuse: new connections are reset until healed', async () => {
    await proxy.refuse()
    const refused = keep(net.connect({ port: proxy.port, host: '127.0.0.1' }))
    assert.equal(await ending(refused), 'ECONNRESET')
    await proxy.heal()
    await connect()
  })

  for (const flow of ['up', 'down'] as const) {
    it(`cuts after exactly so many bytes (${flow})`, async () => {
      const [client, target] = await connect()
      const [from, to] = flow === 'up' ? [client, target] : [target, client]
      await proxy.cutAfterBytes(1_234, { flow, clean: true })
      from.write(Buffer.alloc(1_000))
      from.write(Buffer.alloc(1_000))
      assert.equal((await readAll(to)).length, 1_234)
      const counts = await proxy.counts()
      assert.deepEqual([counts.midFrame, counts.cuts, counts[flow]], [1, 1, 1_234])

      await proxy.cutAfterBytes(77, { flow })
      const again = await connect()
      const endings = again.map(ending)
      const [writer] = flow === 'up' ? again : [again[1]]
      writer.write(Buffer.alloc(100))
      assert.deepEqual(await Promise.all(endings), ['ECONNRESET', 'ECONNRESET'])
      assert.equal((await proxy.counts())[flow], 1_234 + 77)
    })
  }

  it('cuts again and again from a seed, and counts only what was cut', async () => {
    await proxy.cutEvery({ every: 15, seed: 7, ways: ['reset', 'mid-frame'] })
    let broken = 0
    while ((await proxy.counts()).midFrame === 0 || broken < 4) {
      const client = keep(net.connect({ port: proxy.port, host: '127.0.0.1' }))
      const end = ending(client)
      const pour = setInterval(() => client.write(Buffer.alloc(4_096)), 1)
      assert.match(await end, /ECONNRESET|EPIPE/)
      clearInterval(pour)
      broken++
    }
    assert.equal((await proxy.heal()).cuts, broken)
    const [client, target] = await connect()
    client.write('x')
    await once(target, 'data')
    assert.equal(await silentFor(client, 60), true, 'healed: no more cuts')
    assert.equal((await proxy.counts()).cuts, broken)
  })

  it('slices: every byte in a turn of its own', async () => {
    await proxy.slice(1)
    const [client, target] = await connect()
    let pieces = 0
    target.on('data', () => pieces++)
    client.end('byte by byte'.repeat(20))
    await once(target, 'end')
    assert.ok(pieces > 20, `${pieces} pieces`)
    assert.equal(target.bytesRead, 240)
  })

  it('latency: what arrives is whole, in order, and later', async () => {
    await proxy.latency(40)
    const [client, target] = await connect()
    const start = performance.now()
    for (let i = 0; i < 50; i++) client.write(`${i},`)
    client.end()
    const text = String(await readAll(target))
    assert.equal(text, Array.from({ length: 50 }, (_, i) => `${i},`).join(''))
    assert.ok(performance.now() - start >= 39, 'not earlier than the latency')
  })

  it('stop may be called twice, and ends its connections', async () => {
    const [client] = await connect()
    const end = ending(client)
    await proxy.stop()
    await proxy.stop()
    await end
  })
})

async function readAll(socket: net.Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function ending(socket: net.Socket): Promise<string> {
  return new Promise(resolve => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('end', () => resolve('end'))
    socket.resume()
  })
}

/** `true` if the socket neither says anything nor ends for so many milliseconds. */
async function silentFor(socket: net.Socket, ms: number): Promise<boolean> {
  return new Promise(resolve => {
    const settle = (silent: boolean): void => {
      clearTimeout(timer)
      for (const event of ['data', 'end', 'close']) socket.off(event, onSound)
      socket.pause()
      resolve(silent)
    }
    const onSound = (): void => settle(false)
    const timer = setTimeout(() => settle(true), ms)
    for (const event of ['data', 'end', 'close']) socket.on(event, onSound)
    socket.resume()
  })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

async function countsWhen(
  proxy: ChaosProxy,
  condition: (counts: ChaosCounts) => boolean
): Promise<ChaosCounts> {
  for (;;) {
    const counts = await proxy.counts()
    if (condition(counts)) return counts
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
