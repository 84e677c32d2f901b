import assert from 'node:assert/strict'
import { once } from 'node:events'
import { TLSSocket, connect as tlsConnect } from 'node:tls'
import type { MultiaddrConnection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { takeSocket } from '../src/index.ts'
import { Scene, closed, dial, pattern, rawUpgrader, readAll, transport } from './support.ts'

describe('takeSocket', () => {
  const scene = new Scene()
  afterEach(() => scene.end())

  const psk = {
    ciphers: 'PSK-AES128-GCM-SHA256',
    maxVersion: 'TLSv1.2'
  } as const
  const key = pattern(32)

  it('lets TLS run on the socket, after bytes that were read too far', async () => {
    const inbound = Promise.withResolvers<MultiaddrConnection>()
    const listener = transport().createListener({
      upgrader: rawUpgrader(conn => inbound.resolve(conn))
    })
    await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
    const [addr] = listener.getAddrs()
    assert.ok(addr !== undefined)
    const dialled = await dial(addr)
    const accepted = await inbound.promise

    // The dialler negotiates and goes on at once; the listener reads the hello with the negotiation.
    dialled.send(pattern(10))
    const clientSocket = takeSocket(dialled)
    assert.ok(clientSocket !== undefined)
    assert.throws(() => dialled.send(pattern(1)), { name: 'StreamStateError' })
    const client = tlsConnect({
      socket: clientSocket,
      ...psk,
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: key, identity: 'me' })
    })
    const bytes = byteStream(accepted)
    assert.deepEqual(Buffer.from((await bytes.read({ bytes: 10 })).subarray()), pattern(10))
    await new Promise(resolve => setTimeout(resolve, 20))
    const conn = bytes.unwrap()
    assert.ok(conn.readBufferLength > 0, 'the hello must have been read too far for this test')
    const serverSocket = takeSocket(conn)
    assert.ok(serverSocket !== undefined)
    // The types lack pskCallback here, though servers take it.
    const options = { isServer: true, ...psk, pskCallback: () => key }
    const server = new TLSSocket(serverSocket, options)
    const events = [closed(dialled), closed(accepted)]
    server.end(pattern(3_000_000))
    assert.ok((await readAll(client)).equals(pattern(3_000_000)))
    await Promise.all([dialled.close(), accepted.close(), ...events])
    assert.deepEqual([dialled.status, accepted.status], ['closed', 'closed'])
    await listener.close()
  })

  it('abort() still resets it', async () => {
    const { conn, peer } = await scene.pair()
    const socket = takeSocket(conn)
    assert.ok(socket !== undefined)
    peer.resume()
    conn.abort(new Error('no'))
    await assert.rejects(once(peer, 'end'), { code: 'ECONNRESET' })
  })

  it('gives nothing while bytes are pending, when closing, or of other streams', async () => {
    const { conn } = await scene.pair()
    conn.send(Buffer.alloc(48 * 1024 * 1024))
    assert.equal(takeSocket(conn), undefined)
    const other = await scene.pair()
    const closing = other.conn.close()
    assert.equal(takeSocket(other.conn), undefined)
    other.peer.end()
    await closing
    assert.equal(takeSocket({}), undefined)
  })
})
