import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type {
  MessageStream,
  MultiaddrConnection,
  SecuredConnection,
  Upgrader
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { tcp, type TcpListener } from '@warren/transport-tcp'
import { testPeer, type TestPeer } from './support/peers.ts'
import { inbox, pattern, sendAll, sha256 } from './support/traffic.ts'
import { cut } from './support/wire.ts'

const MIB = 1_048_576

/** Hands raw conns to `take`: what a transport needs of an upgrader. */
function upgrader(take: (conn: MultiaddrConnection) => void): Upgrader {
  const upgrade = async (conn: MultiaddrConnection): Promise<void> => take(conn)
  return { upgradeOutbound: upgrade, upgradeInbound: upgrade } as unknown as Upgrader
}

describe('over TCP', () => {
  const transport = tcp()({ logger: defaultLogger() })
  let dialler: TestPeer
  let server: TestPeer
  let listener: TcpListener
  let address: Multiaddr
  let accepted: (conn: MultiaddrConnection) => void
  const conns = new Set<MultiaddrConnection>()

  before(async () => {
    dialler = await testPeer()
    server = await testPeer()
  })

  beforeEach(async () => {
    listener = transport.createListener({
      upgrader: upgrader(conn => {
        conns.add(conn)
        accepted(conn)
      })
    })
    await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
    address = listener.getAddrs()[0] as Multiaddr
  })

  afterEach(async () => {
    for (const conn of conns) conn.abort(new Error('the test is over'))
    conns.clear()
    await listener.close()
  })

  /** The next conn that the listener accepts, secured. */
  function nextSecured(): Promise<SecuredConnection> {
    return new Promise((resolve, reject) => {
      accepted = conn => {
        server.encrypter.secureInbound(conn).then(resolve, reject)
      }
    })
  }

  async function dial(): Promise<MultiaddrConnection> {
    let raw: MultiaddrConnection | undefined
    const { signal } = new AbortController()
    await transport.dial(address, { signal, upgrader: upgrader(conn => (raw = conn)) })
    assert.ok(raw !== undefined)
    conns.add(raw)
    return raw
  }

  async function pair(): Promise<{
    near: MessageStream
    far: MessageStream
    raw: MultiaddrConnection
  }> {
    const inbound = nextSecured()
    const raw = await dial()
    const outbound = await dialler.encrypter.secureOutbound(raw, { remotePeer: server.peerId })
    return { near: outbound.connection, far: (await inbound).connection, raw }
  }

  it('16 MiB each way at once, by hash', async () => {
    const { near, far } = await pair()
    const data = pattern(16 * MIB)
    const [up, down] = [inbox(far), inbox(near)]
    await Promise.all([
      sendAll(
        near,
        cut(data, () => 65_519)
      ),
      sendAll(
        far,
        cut(data, () => 300_000)
      ),
      up.has(data.byteLength),
      down.has(data.byteLength)
    ])
    assert.equal(sha256(up.bytes()), sha256(data))
    assert.equal(sha256(down.bytes()), sha256(data))
    await near.close()
  })

  it('a reader that stops holds the sender back through the kernel, and few bytes itself', async () => {
    const { near, far } = await pair()
    const received = inbox(far)
    far.pause()
    let sent = 0
    while (!near.writableNeedsDrain) {
      while (near.send(pattern(64 * 1_024, sent))) sent += 64 * 1_024
      sent += 64 * 1_024
      // Until the kernel on both sides is full, drains come.
      await Promise.race([once(near, 'drain'), new Promise(resolve => setTimeout(resolve, 100))])
    }
    assert.ok(sent < 64 * MIB)
    assert.ok(far.readBufferLength <= 128 * 1_024, `${far.readBufferLength} bytes held`)
    assert.ok(near.writeBufferLength <= 512 * 1_024, `${near.writeBufferLength} bytes pending`)
    far.resume()
    await received.has(sent)
    assert.equal(sha256(received.bytes()), sha256(pattern(sent)))
  })

  it('a connection reset in the middle of a record is an error at the other end', async () => {
    const { near, far, raw } = await pair()
    const received = inbox(far)
    near.send(pattern(10))
    await received.has(10)
    raw.send(Uint8Array.of(1, 0, 9, 9))
    raw.abort(new Error('power cut'))
    const event = await received.closed
    assert.ok(event.error !== undefined)
    assert.equal(received.byteLength, 10)
  })

  describe('beside an honest peer', () => {
    /** What a hostile dialler does once its handshake is done. */
    const ATTACKS: Record<string, (raw: MultiaddrConnection) => void> = {
      'sends a record of junk': raw => {
        raw.send(Buffer.concat([Uint8Array.of(0xff, 0xff), pattern(65_535)]))
      },
      'sends a length that is no record': raw => {
        raw.send(Uint8Array.of(0, 15))
      },
      'floods junk': raw => {
        for (let i = 0; i < 50; i++) if (raw.status === 'open') raw.send(pattern(60_000))
      },
      'ends inside a record': raw => {
        raw.send(Uint8Array.of(0x10, 0))
        raw.close().catch(() => {})
      }
    }
    for (const [what, attack] of Object.entries(ATTACKS)) {
      it(`one that ${what} loses its connection, the other is served`, async () => {
        const honest = await pair()
        const hostile = await pair()
        const ended = inbox(hostile.far)
        attack(hostile.raw)
        const event = await ended.closed
        const code = (event.error as { code?: string } | undefined)?.code
        assert.ok(
          code === 'ERR_NOISE_RECORD' || code === 'ERR_NOISE_TRUNCATED',
          `ended with ${code}`
        )
        assert.equal(ended.byteLength, 0)
        const received = inbox(honest.far)
        honest.near.send(pattern(100_000))
        await received.has(100_000)
      })
    }

    it('those that stay silent or talk junk before the handshake leave it alone', async () => {
      const sockets: Socket[] = []
      const failures: Promise<unknown>[] = []
      accepted = conn => {
        const failing = server.encrypter.secureInbound(conn).then(
          () => assert.fail('nobody has shaken hands'),
          error => {
            conn.abort(error as Error)
            return error
          }
        )
        failures.push(failing)
      }
      const port = Number(address.toString().split('/').at(-1))
      const junk = [pattern(500), Uint8Array.of(0, 0), Uint8Array.of(0, 31, 1), Uint8Array.of(9)]
      for (const bytes of junk) {
        const socket = connect(port, '127.0.0.1').on('error', () => {})
        sockets.push(socket)
        await once(socket, 'connect')
        socket.end(bytes)
      }
      while (failures.length < junk.length) await new Promise(resolve => setImmediate(resolve))
      for (const error of await Promise.all(failures)) {
        assert.equal((error as { code?: string }).code, 'ERR_NOISE_HANDSHAKE')
      }
      for (const socket of sockets) socket.destroy()
      const { near, far } = await pair()
      const received = inbox(far)
      near.send(pattern(10))
      await received.has(10)
    })
  })
})
