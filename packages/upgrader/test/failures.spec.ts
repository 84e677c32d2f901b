import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  ConnectionGater,
  MultiaddrConnection,
  SecureConnectionOptions
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import * as mss from '@libp2p/multistream-select'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { plaintext } from '@libp2p/plaintext'
import { createUpgrader } from '../src/index.ts'
import type { UpgradeError } from '../src/index.ts'
import { connect, never, rawPair } from './support/pair.ts'
import { SECURITY, createPeer } from './support/peer.ts'
import type { Peer } from './support/peer.ts'
import { TestRegistrar } from './support/registrar.ts'
import { dialTcp, listenTcp, openSockets, rawClient, rawServer, until } from './support/tcp.ts'

/** The step and the code of the cause with which an upgrade fails. */
async function failure(upgrade: Promise<unknown>): Promise<{ step: string; cause: unknown }> {
  let found: UpgradeError | undefined
  await assert.rejects(upgrade, (error: UpgradeError) => {
    assert.equal(error.code, 'ERR_UPGRADE', String(error))
    found = error
    return true
  })
  const cause = found?.cause as { code?: string; name?: string } | undefined
  return { step: found?.step ?? '', cause: cause?.code ?? cause?.name }
}

describe('a failing upgrade', () => {
  describe('times out at its step and leaves no open socket', () => {
    let before: number
    beforeEach(() => {
      before = openSockets()
    })
    afterEach(async () => until(() => openSockets() <= before))

    it('security, inbound: a client that says nothing', async () => {
      const peer = await createPeer({ upgradeTimeout: 40 })
      const raw = rawPair()
      const upgrade = peer.upgrader.upgradeInbound(raw.inbound, { signal: never() })
      assert.deepEqual(await failure(upgrade), { step: 'security', cause: 'ERR_UPGRADE_TIMEOUT' })
      assert.equal(raw.inbound.status, 'aborted')

      const tcp = await listenTcp(peer)
      const client = rawClient(tcp.port)
      client.resume()
      await new Promise(resolve => client.on('close', resolve))
      await tcp.close()
      assert.equal(peer.upgrader.stats().inbound.failures, 2)
    })

    it('security, inbound: a client that drips one byte at a time', async () => {
      const peer = await createPeer({ upgradeTimeout: 60 })
      const tcp = await listenTcp(peer)
      const client = rawClient(tcp.port)
      client.resume()
      const timer = setInterval(() => client.write('\x13'), 5)
      await new Promise(resolve => client.on('close', resolve))
      clearInterval(timer)
      await tcp.close()
      assert.equal(peer.upgrader.stats().slots, 0)
    })

    it('security, outbound: a server that says nothing', async () => {
      const peer = await createPeer({ upgradeTimeout: 40 })
      const server = await rawServer()
      const result = await failure(dialTcp(peer, server.addr))
      assert.deepEqual(result, { step: 'security', cause: 'ERR_UPGRADE_TIMEOUT' })
      await server.close()
    })

    it('security: a peer that agrees on Noise and then says nothing', async () => {
      const peer = await createPeer({ upgradeTimeout: 60 })
      const raw = rawPair()
      const upgrade = peer.upgrader.upgradeInbound(raw.inbound, { signal: never() })
      await mss.select(raw.outbound, '/noise')
      assert.deepEqual(await failure(upgrade), { step: 'security', cause: 'ERR_UPGRADE_TIMEOUT' })
      assert.notEqual(raw.inbound.status, 'open')
    })

    it('muxer: a peer that secures the connection and then says nothing', async () => {
      const peer = await createPeer({ upgradeTimeout: 100 })
      const raw = rawPair()
      const upgrade = peer.upgrader.upgradeInbound(raw.inbound, { signal: never() })
      await mss.select(raw.outbound, '/noise')
      const { encrypter } = await secretPeer()
      await encrypter.secureOutbound(raw.outbound, { skipStreamMuxerNegotiation: true })
      assert.deepEqual(await failure(upgrade), { step: 'muxer', cause: 'ERR_UPGRADE_TIMEOUT' })
      assert.notEqual(raw.inbound.status, 'open')
    })

    it('gater: a hook that never answers', async () => {
      const hang = async (): Promise<boolean> => new Promise(() => {})
      const peer = await createPeer({ upgradeTimeout: 30, gater: { denyInboundConnection: hang } })
      const raw = rawPair()
      const upgrade = peer.upgrader.upgradeInbound(raw.inbound, { signal: never() })
      assert.deepEqual(await failure(upgrade), { step: 'gater', cause: 'ERR_UPGRADE_TIMEOUT' })
      assert.equal(raw.inbound.status, 'aborted')
    })
  })

  it('rejects with the reason of its signal, at once', async () => {
    const peer = await createPeer()
    for (const direction of ['inbound', 'outbound'] as const) {
      const raw = rawPair()
      const controller = new AbortController()
      const { signal } = controller
      const upgrade: Promise<unknown> =
        direction === 'inbound'
          ? peer.upgrader.upgradeInbound(raw.inbound, { signal })
          : peer.upgrader.upgradeOutbound(raw.outbound, { signal })
      const reason = new Error('changed my mind')
      controller.abort(reason)
      await assert.rejects(upgrade, error => error === reason)
      assert.equal(raw[direction].status, 'aborted')
    }
  })

  it('ends when the peer goes away, and says so', async () => {
    const peer = await createPeer({ encrypters: [SECURITY.tls] })
    for (const end of ['close', 'abort'] as const) {
      const raw = rawPair()
      const failed = failure(peer.upgrader.upgradeInbound(raw.inbound, { signal: never() }))
      await mss.select(raw.outbound, '/tls/1.0.0')
      if (end === 'close') await raw.outbound.close()
      else raw.outbound.abort(new Error('gone'))
      assert.equal((await failed).step, 'security')
    }
  })

  it('cuts a client off that floods the negotiation, and serves others meanwhile', async () => {
    const before = openSockets()
    const [peer, honest] = await Promise.all([createPeer(), createPeer()])
    const tcp = await listenTcp(peer)
    const clients = Array.from({ length: 4 }, () => rawClient(tcp.port).resume())
    const closed = clients.map(async client => new Promise(resolve => client.on('close', resolve)))
    for (const client of clients) client.write('\x03ls\n'.repeat(100_000))
    const connection = await dialTcp(honest, tcp.addr)
    await Promise.all(closed)
    assert.equal(peer.upgrader.stats().inbound.failures, 4)
    connection.abort(new Error('the test is over'))
    await peer.upgrader.close()
    await tcp.close()
    await until(() => openSockets() <= before)
  })

  it('fails at security without a protocol in common, both ends', async () => {
    const [a, b] = await Promise.all([
      createPeer({ encrypters: [SECURITY.tls] }),
      createPeer({ encrypters: [SECURITY['libp2p noise']] })
    ])
    const raw = rawPair()
    const [outbound, inbound] = await Promise.all([
      failure(a.upgrader.upgradeOutbound(raw.outbound, { signal: never() })),
      failure(b.upgrader.upgradeInbound(raw.inbound, { signal: never() }))
    ])
    assert.deepEqual(outbound, { step: 'security', cause: 'UnsupportedProtocolError' })
    assert.equal(inbound.step, 'security')
    assert.notEqual(raw.inbound.status, 'open')
    assert.notEqual(raw.outbound.status, 'open')
  })

  describe('identity', () => {
    // Leaves the comparison to the upgrader alone.
    const careless: typeof SECURITY.tls = components => {
      const real = SECURITY['libp2p noise'](components)
      return {
        protocol: real.protocol,
        secureInbound: async (conn, options) => real.secureInbound(conn, nameless(options)),
        secureOutbound: async (conn, options) => real.secureOutbound(conn, nameless(options))
      }
    }
    const all = { ...SECURITY, 'an encrypter that compares nothing': careless }
    for (const keyType of ['Ed25519', 'secp256k1', 'RSA'] as const) {
      for (const [security, encrypter] of Object.entries(all)) {
        it(`refuses another ${keyType} peer than the dialled one over ${security}`, async () => {
          const { listener, other } = await identities(keyType)
          const encrypters = [encrypter]
          const dialler = await createPeer({ encrypters })
          const raw = rawPair(`/ip4/127.0.0.1/tcp/1/p2p/${other}`)
          const peer = await createPeer({ encrypters, privateKey: listener })
          const inbound = peer.upgrader
            .upgradeInbound(raw.inbound, { signal: never() })
            .catch(() => {})
          const { step } = await failure(
            dialler.upgrader.upgradeOutbound(raw.outbound, { signal: never() })
          )
          assert.equal(step, 'identity')
          assert.notEqual(raw.outbound.status, 'open')
          assert.equal(dialler.upgrader.stats().steps.identity.failures, 1)
          await inbound
          await until(() => raw.inbound.status !== 'open')
          await peer.upgrader.close()

          // The same peer, by its own name, is welcome.
          const again = await createPeer({ encrypters, privateKey: listener })
          const { outbound } = await connect(dialler, again)
          assert.ok(outbound.remotePeer.equals(again.id))
          outbound.abort(new Error('the test is over'))
        })
      }
    }

    it('refuses an ECDSA peer, for which libp2p has no peer id', async () => {
      const privateKey = await generateKeyPair('ECDSA')
      const dialler = await createPeer()
      const { other } = await identities('Ed25519')
      const raw = rawPair(`/ip4/127.0.0.1/tcp/1/p2p/${other}`)
      const upgrade = failure(dialler.upgrader.upgradeOutbound(raw.outbound, { signal: never() }))
      const parts = { privateKey, peerId: dialler.id, logger: defaultLogger() }
      const noise = SECURITY['libp2p noise']({ ...parts, upgrader: dialler.upgrader })
      await mss.handle(raw.inbound, '/noise')
      await noise.secureInbound(raw.inbound).catch(() => {})
      assert.equal((await upgrade).step, 'identity')
      assert.notEqual(raw.outbound.status, 'open')
    })

    it('takes the last peer of a relayed address, and none where only the relay is named', async () => {
      const relay = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
      const [a, b] = await Promise.all([createPeer(), createPeer()])
      const base = `/ip4/127.0.0.1/tcp/1/p2p/${relay}/p2p-circuit`
      const anyone = await connect(a, b, rawPair(base))
      assert.equal(anyone.outbound.remoteAddr.toString(), `${base}/p2p/${b.id.toString()}`)
      assert.equal(anyone.outbound.direct, false)
      const named = await connect(a, b, rawPair(`${base}/p2p/${b.id.toString()}`))
      for (const { outbound } of [anyone, named]) outbound.abort(new Error('over'))
      const raw = rawPair(`${base}/p2p/${a.id.toString()}`)
      void b.upgrader.upgradeInbound(raw.inbound, { signal: never() }).catch(() => {})
      const upgrade = a.upgrader.upgradeOutbound(raw.outbound, { signal: never() })
      assert.equal((await failure(upgrade)).step, 'identity')
      await b.upgrader.close()
    })

    it('refuses itself', async () => {
      const peer = await createPeer()
      const raw = rawPair()
      const [outbound, inbound] = await Promise.all([
        failure(peer.upgrader.upgradeOutbound(raw.outbound, { signal: never() })),
        failure(peer.upgrader.upgradeInbound(raw.inbound, { signal: never() }))
      ])
      // Whichever end sees it first tells the other by ending the connection.
      assert.ok([outbound, inbound].some(({ cause }) => cause === 'ERR_SELF_CONNECTION'))
      assert.notEqual(raw.inbound.status, 'open')
      assert.notEqual(raw.outbound.status, 'open')
    })
  })

  describe('gater', () => {
    const hooks = [
      'denyInboundConnection',
      'denyInboundEncryptedConnection',
      'denyInboundUpgradedConnection',
      'denyOutboundConnection',
      'denyOutboundEncryptedConnection',
      'denyOutboundUpgradedConnection'
    ] as const
    for (const hook of hooks) {
      it(`denies at ${hook} and leaves no open socket`, async () => {
        const before = openSockets()
        const calls: unknown[][] = []
        const gater: ConnectionGater = {
          [hook]: async (...args: unknown[]) => {
            calls.push(args)
            return true
          }
        }
        const outbound = hook.startsWith('denyOut')
        const [a, b] = await Promise.all([
          createPeer(outbound ? { gater } : {}),
          createPeer(outbound ? {} : { gater })
        ])
        const raw: MultiaddrConnection[] = []
        const ended: Promise<unknown>[] = []
        const tcp = await listenTcp(b, {
          ...wrap(b.upgrader),
          upgradeInbound: async (conn, options) => {
            raw.push(conn)
            ended.push(b.upgrader.upgradeInbound(conn, options).catch((error: unknown) => error))
            await ended[0]
          }
        })
        const dial = dialTcp(a, tcp.addr)
        if (outbound) {
          assert.deepEqual(await failure(dial), { step: 'gater', cause: 'ERR_CONNECTION_GATED' })
        } else {
          dial.then(
            connection => connection.addEventListener('close', () => {}),
            () => {}
          )
          await until(() => ended.length === 1)
          const error = (await ended[0]) as UpgradeError
          assert.equal(error.step, 'gater')
          await dial.catch(() => {})
        }
        assert.equal(calls.length, 1)
        const [first, second] = calls[0] ?? []
        const conn = (hook === 'denyInboundConnection' ? first : second) as MultiaddrConnection
        assert.ok(conn.remoteAddr)
        if (hook !== 'denyInboundConnection') {
          assert.equal(String(first), (outbound ? b : a).id.toString())
        }
        await Promise.all([a.upgrader.close(), b.upgrader.close()])
        await tcp.close()
        await until(() => openSockets() <= before)
      })
    }

    it('is asked in order, and lets a connection through', async () => {
      const calls: string[] = []
      const note = (name: string) => (): boolean => {
        calls.push(name)
        return false
      }
      const gater = (side: string): ConnectionGater => ({
        denyInboundConnection: note(`${side} raw`),
        denyInboundEncryptedConnection: note(`${side} encrypted`),
        denyInboundUpgradedConnection: note(`${side} upgraded`),
        denyOutboundConnection: note(`${side} raw`),
        denyOutboundEncryptedConnection: note(`${side} encrypted`),
        denyOutboundUpgradedConnection: note(`${side} upgraded`)
      })
      const [a, b] = await Promise.all([
        createPeer({ gater: gater('out') }),
        createPeer({ gater: gater('in') })
      ])
      const { outbound } = await connect(a, b)
      for (const side of ['out', 'in']) {
        assert.deepEqual(
          calls.filter(call => call.startsWith(side)),
          [`${side} raw`, `${side} encrypted`, `${side} upgraded`]
        )
      }
      assert.equal(a.upgrader.stats().steps.gater.attempts, 3)
      await outbound.close()
    })
  })

  it('counts its steps, and forgets nothing that it holds', async () => {
    const [a, b] = await Promise.all([createPeer(), createPeer()])
    const { outbound } = await connect(a, b)
    const { steps, inbound, slots, queued } = b.upgrader.stats()
    assert.deepEqual(inbound, { attempts: 1, failures: 0 })
    assert.deepEqual([slots, queued], [0, 0])
    for (const step of ['security', 'identity', 'muxer'] as const) {
      assert.deepEqual([steps[step].attempts, steps[step].failures], [1, 0])
      assert.ok(steps[step].time >= 0)
    }
    assert.ok(steps.security.time > 0)
    await outbound.close()
  })

  it('refuses options that it cannot work with', async () => {
    const peer = await createPeer()
    for (const options of [
      { upgradeTimeout: 0 },
      { maxParallelUpgrades: 1.5 },
      { acceptTimeout: 2 ** 31 },
      { acceptQueueLength: Number.NaN },
      { maxSources: 1_000 }
    ]) {
      await assert.rejects(createPeer(options), { code: 'ERR_UPGRADER_OPTIONS' })
    }
    assert.throws(() => peer.upgrader.createView({ acceptQueueLength: -1 }), {
      code: 'ERR_UPGRADER_OPTIONS'
    })
  })

  it('refuses a pre-shared key above plaintext', async () => {
    const key = await generateKeyPair('Ed25519')
    const parts = { peerId: peerIdFromPrivateKey(key), privateKey: key, logger: defaultLogger() }
    const init = { connectionEncrypters: [plaintext()(parts)], streamMuxers: [] }
    const components = { ...parts, registrar: new TestRegistrar() }
    createUpgrader(components, init)
    assert.throws(
      () =>
        createUpgrader(
          { ...components, connectionProtector: { protect: async conn => conn } },
          init
        ),
      { code: 'ERR_PRE_SHARED_KEY' }
    )
  })

  it('skips encryption for conns that have their own, and takes their peer at its word', async () => {
    const [a, b] = await Promise.all([createPeer(), createPeer()])
    const raw = rawPair(`/ip4/127.0.0.1/tcp/1/p2p/${b.id.toString()}`)
    const options = { signal: never(), skipEncryption: true as const }
    const [outbound] = await Promise.all([
      a.upgrader.upgradeOutbound(raw.outbound, { ...options, remotePeer: b.id }),
      b.upgrader.upgradeInbound(raw.inbound, { ...options, remotePeer: a.id })
    ])
    assert.equal(outbound.encryption, 'native')
    assert.ok(outbound.remotePeer.equals(b.id))
    outbound.abort(new Error('the test is over'))
    const nameless = rawPair()
    const upgrade = a.upgrader.upgradeOutbound(nameless.outbound, options as never)
    assert.equal((await failure(upgrade)).step, 'security')
    assert.equal(nameless.outbound.status, 'aborted')
    await b.upgrader.close()
  })

  it('lets the dialler answer when it is not the initiator', async () => {
    const [a, b] = await Promise.all([createPeer(), createPeer()])
    const raw = rawPair()
    // Both ends dialled, as in a simultaneous open.
    raw.inbound.direction = 'outbound'
    const [one, two] = await Promise.all([
      a.upgrader.upgradeOutbound(raw.outbound, { signal: never(), initiator: true }),
      b.upgrader.upgradeOutbound(raw.inbound, { signal: never(), initiator: false })
    ])
    assert.deepEqual([one.direction, two.direction], ['outbound', 'inbound'])
    await one.close()
  })
})

/** The options of an encrypter without the peer to expect. */
function nameless(options: SecureConnectionOptions = {}): SecureConnectionOptions {
  const rest = { ...options }
  delete rest.remotePeer
  return rest
}

/** Two keys of a type, made once: RSA keys take long. */
const keys = new Map<
  string,
  Promise<{ listener: Awaited<ReturnType<typeof makeKey>>; other: string }>
>()

async function makeKey(type: 'Ed25519' | 'secp256k1' | 'RSA') {
  if (type === 'RSA') return generateKeyPair('RSA', 2048)
  return type === 'Ed25519' ? generateKeyPair('Ed25519') : generateKeyPair('secp256k1')
}

async function identities(type: 'Ed25519' | 'secp256k1' | 'RSA') {
  const known = keys.get(type)
  if (known !== undefined) return known
  const made = Promise.all([makeKey(type), makeKey(type)]).then(([listener, other]) => ({
    listener,
    other: peerIdFromPrivateKey(other).toString()
  }))
  keys.set(type, made)
  return made
}

async function secretPeer() {
  const privateKey = await generateKeyPair('Ed25519')
  const logger = defaultLogger()
  const peerId = peerIdFromPrivateKey(privateKey)
  const upgrader = (await createPeer()).upgrader
  return { encrypter: SECURITY['libp2p noise']({ privateKey, peerId, logger, upgrader }) }
}

/** The upgrader's methods as own ones, so that some can be replaced. */
function wrap(upgrader: Peer['upgrader']) {
  return {
    upgradeOutbound: upgrader.upgradeOutbound.bind(upgrader),
    upgradeInbound: upgrader.upgradeInbound.bind(upgrader),
    createInboundAbortSignal: upgrader.createInboundAbortSignal.bind(upgrader),
    getStreamMuxers: upgrader.getStreamMuxers.bind(upgrader),
    getConnectionEncrypters: upgrader.getConnectionEncrypters.bind(upgrader)
  }
}
