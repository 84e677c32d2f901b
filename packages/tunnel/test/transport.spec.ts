import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { noise } from '@chainsafe/libp2p-noise'
import { noise as warrenNoise } from '@warren/noise'
import { yamux } from '@libp2p/yamux'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { sentChunks } from '@warren/utils'
import { tunnelAddress, tunnelTransport } from '../src/index.ts'
import type { Tunnel, TunnelTransportOptions } from '../src/index.ts'
import { readEndpoint } from '../src/transport/address.ts'
import { SessionConnection } from '../src/transport/session-connection.ts'
import {
  addressOf,
  afterwards,
  cleanUp,
  loopbackAddress,
  node,
  nodeOn,
  pair,
  until
} from './support/nodes.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const ECHO = '/echo/1.0.0'

/** A swarm that reaches others through `tunnel` only, and listens on `channel`. */
async function inside(
  tunnel: Tunnel,
  channel?: string,
  options?: TunnelTransportOptions
): Promise<Swarm> {
  const swarm = await createSwarm({
    transports: [tunnelTransport(tunnel, options)],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  afterwards(async () => swarm.close())
  if (channel !== undefined) await swarm.listen(tunnelAddress(channel))
  await swarm.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => {
      if (stream.send(data)) return
      stream.pause()
      stream.addEventListener('drain', () => stream.resume(), { once: true })
    })
  })
  return swarm
}

/** Sends all of `data`, and resolves with the hash of as many bytes that came back. */
function echoed(stream: Stream, data: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    let received = 0
    let sent = 0
    stream.addEventListener('message', ({ data: part }) => {
      received += part.byteLength
      hash.update(part.subarray())
      if (received === data.length) resolve(hash.digest('hex'))
    })
    stream.addEventListener('close', ({ error }) => reject(error ?? new Error('it closed')))
    const send = (): void => {
      let more = true
      while (more && sent < data.length) {
        more = stream.send(data.subarray(sent, sent + 65_536))
        sent += 65_536
      }
    }
    stream.addEventListener('drain', send)
    send()
  })
}

describe('tunnel transport', () => {
  afterEach(cleanUp)

  it('carries two swarms, Noise and yamux, whose connection outlives broken links', async () => {
    const far = await node()
    const port = Number(/tcp\/(\d+)/.exec(addressOf(far).toString())?.[1])
    const proxy = await TcpProxy.to(port)
    const near = await node({ nodes: [loopbackAddress(proxy.port, far.peer)] })
    const listening = await inside(far.tunnel, 'inner swarm/1')
    const dialling = await inside(near.tunnel)
    const [address] = listening.listenAddrs()
    assert.equal(address?.toString(), `/warren-peer/${far.peer}/warren/inner%20swarm%2F1`)
    const connection = await dialling.dial(
      address.encapsulate(`/p2p/${listening.peerId.toString()}`)
    )
    assert.ok(connection.remotePeer.equals(listening.peerId))
    const stream = await connection.newStream(ECHO)
    const data = randomBytes(3_000_000)
    const done = echoed(stream, data)
    const load = (): number => near.tunnel.debug().sessions
    for (let cuts = 0; cuts < 3; cuts++) {
      const before = proxy.connections
      proxy.cut()
      await until(() => proxy.connections > before, 'the link is made anew')
      await until(() => near.tunnel.links().some(({ sessions }) => sessions === 1), 'it goes on')
      assert.equal(load(), 1, 'one session carries it all')
    }
    assert.equal(await done, createHash('sha256').update(data).digest('hex'))
    assert.equal(connection.status, 'open')
    const [there] = listening.connections()
    assert.equal(there?.remoteAddr.toString().includes(`/warren-peer/${near.peer}/`), true)
    stream.abort(new Error('done'))
    await connection.close()
    await until(() => listening.connections().length === 0, 'the other end has closed')
    await until(() => far.tunnel.debug().sessions + load() === 0, 'the session is over')
  })

  it('proves who is at the other end, whoever carries it', async () => {
    const [near, far] = await pair()
    await inside(far.tunnel, 'inner')
    const dialling = await inside(near.tunnel)
    // Right place, another identity: the peer that carries the tunnel is not the one inside.
    await assert.rejects(
      dialling.dial(tunnelAddress('inner', far.peer).encapsulate(`/p2p/${far.peer}`)),
      { code: 'ERR_DIAL' }
    )
    assert.equal(dialling.connections().length, 0)
    const connection = await dialling.dial(tunnelAddress('inner'))
    assert.equal(connection.status, 'open')
    await until(() => near.tunnel.debug().sessions === 1, 'what failed has left nothing')
  })

  it('is sealed, and for certain peers only, where its options say so', async () => {
    const [near, far] = await pair()
    const closed = await inside(far.tunnel, 'closed', { listen: { peers: { allow: [] } } })
    await inside(far.tunnel, 'sealed', { listen: { seal: true } })
    const plain = await inside(near.tunnel, undefined, { dial: { wait: false } })
    for (const channel of ['closed', 'sealed']) {
      await assert.rejects(plain.dial(tunnelAddress(channel)), { code: 'ERR_DIAL' }, channel)
    }
    const sealing = await inside(near.tunnel, undefined, { dial: { seal: true } })
    assert.equal((await sealing.dial(tunnelAddress('sealed'))).status, 'open')
    assert.equal(closed.connections().length, 0)
  })

  it('gives a listener an end: its channel, its connections, and the sessions below them', async () => {
    const [near, far] = await pair()
    const listening = await inside(far.tunnel, 'inner')
    const dialling = await inside(near.tunnel, undefined, { dial: { wait: false } })
    const connection = await dialling.dial(tunnelAddress('inner'))
    const ended = new Promise(resolve => connection.addEventListener('close', resolve))
    await listening.close()
    await ended
    await until(() => near.tunnel.debug().sessions + far.tunnel.debug().sessions === 0, 'all gone')
    assert.equal(far.tunnel.debug().listeners, 0)
    await assert.rejects(dialling.dial(tunnelAddress('inner'), { force: true }), {
      code: 'ERR_DIAL'
    })
  })

  it('refuses channels in use, other carriers, and what is no address of it', async () => {
    const [, far] = await pair()
    const swarm = await inside(far.tunnel, 'inner')
    await assert.rejects(swarm.listen(tunnelAddress('inner')), { code: 'ERR_LISTEN' })
    await assert.rejects(swarm.listen(tunnelAddress('other', swarm.peerId)), { code: 'ERR_LISTEN' })
    await assert.rejects(swarm.dial(multiaddr('/ip4/127.0.0.1/tcp/1')), { code: 'ERR_DIAL' })
    assert.throws(() => tunnelAddress('a\nb'), { code: 'ERR_INVALID_CHANNEL' })
    assert.throws(() => tunnelAddress('a', 'nobody'))
  })

  it('keeps what it has sent until it is confirmed, also where the sender is done with it', async () => {
    const outer = async (listen: string[]): Promise<Swarm> => {
      const parts = { transports: [tcp()], streamMuxers: [yamux()] }
      const swarm = await createSwarm({
        ...parts,
        connectionEncrypters: [warrenNoise()],
        addresses: { listen }
      })
      afterwards(async () => swarm.close())
      return swarm
    }
    const far = nodeOn(await outer(['/ip4/127.0.0.1/tcp/0']), { closeTimeout: 50 })
    const near = nodeOn(await outer([]), { nodes: [addressOf(far)], closeTimeout: 50 })
    const listener = await far.tunnel.listen('raw', { bytes: true })
    const session = await near.tunnel.dial('raw', { bytes: true })
    const accepted = await listener.accept()
    const connection = new SessionConnection({
      session,
      remoteAddr: tunnelAddress('raw'),
      direction: 'outbound',
      log: near.swarm.components.logger.forComponent('test')
    })
    // An encrypter says of its records that they may be freed once they are sent.
    const record = sentChunks.mark(Uint8Array.from(randomBytes(20_000)))
    const copy = Uint8Array.from(record)
    connection.send(record)
    await until(() => accepted.stats().receivedBytes === copy.length, 'it has arrived')
    assert.ok(Buffer.from(record).equals(copy), 'it was freed, and may be needed once more')
  })

  it('has addresses that come back as they went', () => {
    const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
    for (const channel of ['a', 'größe/x y', '%2F', '/', 'x'.repeat(255)]) {
      for (const carrier of [undefined, peer]) {
        const address = tunnelAddress(channel, carrier)
        for (const again of [
          multiaddr(address.toString()),
          multiaddr(address.bytes),
          address.encapsulate(`/p2p/${peer}`)
        ]) {
          assert.deepEqual(readEndpoint(again), { channel, carrier })
        }
      }
    }
    const spec = readFileSync(new URL('../../spec.md', import.meta.url), 'utf8')
    const [, text = '', bytes] = /^text {3}(\S+)\nbytes {2}(\w+)$/m.exec(spec) ?? []
    assert.equal(Buffer.from(multiaddr(text).bytes).toString('hex'), bytes)
    for (const other of ['/ip4/127.0.0.1/tcp/1', `/p2p/${peer}`, `/p2p/${peer}/warren/a`]) {
      assert.equal(readEndpoint(multiaddr(other)), undefined, other)
    }
    assert.throws(() => multiaddr('/warren/%00'))
    assert.throws(() => multiaddr('/warren-peer/nobody/warren/a'))
  })
})
