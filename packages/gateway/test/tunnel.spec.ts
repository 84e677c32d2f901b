import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { open, share } from '../src/index.ts'
import type { Opening, Share } from '../src/index.ts'
import { ending, readAll, TestServer, until } from './sockets.ts'

/** The same as with the session in memory, where the session could make a difference. */
describe('share and open over a real tunnel', () => {
  let swarms: Swarm[]
  let tunnels: Tunnel[]
  let server: TestServer
  let shared: Share
  let opened: Opening

  before(async () => {
    const token = generateToken()
    const parts = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
    const far = await createSwarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
    const near = await createSwarm(parts)
    swarms = [near, far]
    const [address] = far.listenAddrs()
    const nodes =
      address === undefined ? [] : [address.encapsulate(`/p2p/${far.peerId.toString()}`)]
    tunnels = [createTunnel(near, { token, nodes }), createTunnel(far, { token })]
    await tunnels[0]?.connect()
  })

  after(async () => {
    for (const one of [...tunnels, ...swarms]) await one.close()
  })

  afterEach(async () => {
    opened.abort()
    await opened.close()
    shared.abort()
    await shared.close()
    await server.close()
  })

  async function start(onSocket: (socket: net.Socket) => void): Promise<void> {
    const [near, far] = tunnels
    assert.ok(near !== undefined && far !== undefined)
    server = await TestServer.start(onSocket)
    shared = await share(far, { channel: 'web', target: `127.0.0.1:${server.port}` })
    opened = await open(near, { channel: 'web', listen: 0 })
  }

  function connect(): net.Socket {
    const socket = net.connect({
      port: opened.port ?? 0,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true
    })
    return socket.on('error', () => {})
  }

  it('echoes 16 MiB by hash, the end of the request before the end of the answer', async () => {
    await start(socket => socket.pipe(socket))
    const client = connect()
    const [sent, got] = [createHash('sha256'), createHash('sha256')]
    const block = randomBytes(1024 * 1024)
    client.on('data', chunk => got.update(chunk))
    for (let i = 0; i < 16; i++) {
      sent.update(block)
      if (!client.write(block)) await once(client, 'drain')
    }
    client.end()
    await once(client, 'end')
    assert.equal(got.digest('hex'), sent.digest('hex'))
    await until(() => opened.stats().open === 0 && shared.stats().open === 0)
    assert.deepEqual({ ...opened.stats().failed, ...shared.stats().failed }, {})
  })

  it('200 connections at once, each with its own bytes', async () => {
    await start(socket => socket.pipe(socket))
    const all = Array.from({ length: 200 }, () => randomBytes(10_000))
    await Promise.all(
      all.map(async bytes => {
        const client = connect()
        client.end(bytes)
        assert.ok((await readAll(client)).equals(bytes))
      })
    )
    await until(() => opened.stats().open === 0 && shared.stats().open === 0)
    assert.equal(opened.stats().total, 200)
  })

  it('a reset goes through, both ways', async () => {
    await start(socket => socket.on('data', () => socket.resetAndDestroy()))
    const client = connect()
    client.write('reset me')
    assert.equal(await ending(client), 'ECONNRESET')

    await server.close()
    await shared.close()
    await opened.close()
    await start(socket => socket.write('hello'))
    const other = connect()
    await once(other, 'data')
    const [theirs] = [...server.sockets].filter(socket => socket.bytesWritten > 0)
    assert.ok(theirs !== undefined)
    const endings = [...server.sockets].map(ending)
    other.resetAndDestroy()
    assert.equal(await Promise.race(endings), 'ECONNRESET')
    await until(() => opened.stats().reset === 1)
    assert.deepEqual(opened.stats().failed, {})
  })

  it('a refused target is reported by name at the other end', async () => {
    await start(() => {})
    await server.close()
    const error = new Promise<Error>(resolve => opened.on('error', resolve))
    // A warm connection of before may be met first: it is dead.
    assert.equal(await ending(connect()), 'ECONNRESET')
    assert.match((await error).message, /127\.0\.0\.1:\d+ refused the connection: is the program/)
    assert.deepEqual(opened.stats().failed, { ERR_TARGET_REFUSED: 1 })
  })

  it('a share that is closed lets what runs finish, and resets what goes on too long', async () => {
    await start(socket => socket.pipe(socket))
    const [client, other] = [connect(), connect()]
    for (const one of [client, other]) {
      one.write('first')
      await once(one, 'data')
    }
    const closed = shared.close({ timeout: 1_000 })
    await until(() => tunnels[1]?.debug().listeners === 0)
    client.end('second')
    assert.equal(String(await readAll(client)), 'second')
    assert.equal(await ending(other), 'ECONNRESET')
    await closed
    assert.deepEqual(shared.stats().failed, { ERR_GATEWAY_CLOSED: 1 })
  })

  it('a channel that nobody shares is reported with its cause', async () => {
    await start(() => {})
    await shared.close()
    await opened.close()
    const [near] = tunnels
    assert.ok(near !== undefined)
    opened = await open(near, { channel: 'nowhere', listen: 0, dialTimeout: 100 })
    const error = new Promise<Error>(resolve => opened.on('error', resolve))
    assert.equal(await ending(connect()), 'ECONNRESET')
    assert.match((await error).message, /^cannot open "nowhere" for the connection from 127/)
    assert.ok((await error).cause instanceof Error)
  })

  it('a client that does not read stalls the server; nothing is lost afterwards', async () => {
    const total = 32 * 1024 * 1024
    let accepted = 0
    await start(socket => {
      const block = Buffer.alloc(64 * 1024, 'x')
      let left = total
      const pour = (): void => {
        while (left > 0) {
          left -= block.length
          const more = socket.write(block, () => {
            accepted += block.length
          })
          if (!more) return
        }
        socket.end()
      }
      socket.on('drain', pour)
      socket.once('data', pour)
    })
    const client = connect()
    client.pause()
    client.write('go')
    await until(() => accepted > 0)
    let before = -1
    while (before !== accepted) {
      before = accepted
      for (let turn = 0; turn < 300; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    assert.ok(accepted < total, `${accepted} bytes left the server`)
    assert.equal((await readAll(client)).length, total)
    client.end()
  })
})
