import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { STREAM_CODE } from '@warren/interface'
import fc from 'fast-check'
import { DEFAULTS } from '../src/defaults.ts'
import { limitsFor } from '../src/limits/limit-values.ts'
import { thisMachine } from '../src/limits/machine.ts'
import { Limiter } from '../src/limits/limiter.ts'
import type { ProtocolLimits } from '../src/limits/limiter.ts'
import { resolveOptions } from '../src/options.ts'

const GiB = 2 ** 30
const SMALL = {
  maxConnections: 4,
  maxConnectionsPerPeer: 2,
  maxStreams: 10,
  maxStreamsPerPeer: 8,
  maxStreamsPerConnection: 4,
  maxInboundStreamsPerProtocol: 3,
  maxBytes: 1_000,
  maxBytesPerPeer: 400,
  maxBytesPerConnection: 200,
  maxBytesPerProtocol: 100
}

async function peer(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

describe('Limiter', () => {
  let a: PeerId
  let b: PeerId
  const make = (registered: Record<string, ProtocolLimits> = {}): Limiter =>
    new Limiter(SMALL, protocol => registered[protocol] ?? {})

  before(async () => {
    ;[a, b] = await Promise.all([peer(), peer()])
  })

  it('counts connections by peer, refuses one too many, and forgets who has none', () => {
    const limiter = make()
    limiter.openConnection(a)
    limiter.openConnection(a)
    assert.throws(() => limiter.openConnection(a), { code: 'ERR_CONNECTION_LIMIT' })
    limiter.openConnection(b)
    const { system, peers, refused } = limiter.resources()
    assert.deepEqual(system.connections, { used: 3, limit: 4 })
    assert.deepEqual(
      peers.map(({ connections }) => connections),
      [
        { used: 2, limit: 2 },
        { used: 1, limit: 2 }
      ]
    )
    assert.deepEqual(refused, { 'peer connections': 1 })
    limiter.closeConnection(a)
    limiter.openConnection(a)
    for (const each of [a, a, b]) limiter.closeConnection(each)
    assert.deepEqual(limiter.resources().peers, [])
    assert.equal(limiter.resources().system.connections.used, 0)
  })

  it('refuses streams per protocol, connection, peer and in all, each with its cause and a code', () => {
    const limiter = make()
    const one = limiter.openScope('1', a)
    const two = limiter.openScope('2', a)
    const three = limiter.openScope('3', b)
    const refusal = { code: 'ERR_STREAM_LIMIT', resetCode: STREAM_CODE.resourceLimit }
    const streams = [1, 2, 3].map(() => one.openStream('inbound'))
    for (const stream of streams) stream.setProtocol('/x')
    const fourth = one.openStream('inbound')
    assert.throws(() => fourth.setProtocol('/x'), refusal)
    assert.throws(() => one.openStream('inbound'), refusal)
    // Own streams are no matter of the connection, but of the peer and of all.
    for (let i = 0; i < 4; i++) two.openStream('outbound').setProtocol('/x')
    assert.throws(() => two.openStream('outbound'), refusal)
    three.openStream('inbound')
    three.openStream('outbound')
    assert.throws(() => three.openStream('outbound'), refusal)
    const { refused, peers, connections, system } = limiter.resources()
    assert.deepEqual(refused, {
      'protocol streams': 1,
      'connection streams': 1,
      'peer streams': 1,
      'system streams': 1
    })
    assert.deepEqual(system.streams, { used: 10, limit: 10 })
    assert.deepEqual(peers[0]?.protocols, [
      { protocol: '/x', streams: { used: 3, limit: 3 }, bytes: { used: 0, limit: 100 } }
    ])
    assert.deepEqual(
      connections.map(({ id, streams: use }) => [id, use.used]),
      [
        ['1', 4],
        ['2', 0],
        ['3', 1]
      ]
    )
    fourth.close()
    fourth.close()
    assert.equal(limiter.resources().connections[0]?.streams.used, 3)
    for (const scope of [one, two, three]) scope.close()
    const after = limiter.resources()
    assert.deepEqual([after.system.streams.used, after.peers, after.connections], [0, [], []])
  })

  it('heeds the limits that a protocol was registered with', () => {
    const limiter = make({ '/wide': { maxInboundStreamsPerPeer: 4, maxBytesPerPeer: 7 } })
    const one = limiter.openScope('1', a)
    const two = limiter.openScope('2', a)
    for (const scope of [one, one, two, two]) scope.openStream('inbound').setProtocol('/wide')
    assert.throws(() => one.openStream('inbound').setProtocol('/wide'), {
      code: 'ERR_STREAM_LIMIT'
    })
    assert.deepEqual(limiter.resources().peers[0]?.protocols[0]?.bytes, { used: 0, limit: 7 })
  })

  it('counts held bytes up to each scope, and says when one of them is tight and over', () => {
    const limiter = make()
    const one = limiter.openScope('1', a)
    const two = limiter.openScope('2', a)
    const three = limiter.openScope('3', a)
    one.account.hold(150)
    assert.deepEqual([one.account.tight, one.account.over], [false, false])
    one.account.hold(51)
    assert.deepEqual([one.account.tight, one.account.over], [true, true])
    one.account.refused()
    one.account.hold(-100)
    two.account.hold(150)
    three.account.hold(150)
    // 401 of the peer: over on each of its connections.
    assert.ok(one.account.over && two.account.over && three.account.over)
    two.account.refused()
    const stream = two.openStream('inbound')
    const own = stream.setProtocol('/x')
    own.hold(101)
    assert.ok(own.over)
    own.refused()
    const { refused, peers, system } = limiter.resources()
    assert.deepEqual(refused, { 'connection bytes': 1, 'peer bytes': 1, 'protocol bytes': 1 })
    assert.deepEqual(peers[0]?.bytes, { used: 401, limit: 400 })
    assert.equal(system.bytes.used, 401)
    for (const scope of [one, two, three]) scope.close()
    // A muxer that lets go of its streams after its connection takes nothing off twice.
    one.account.hold(-101)
    assert.equal(limiter.resources().system.bytes.used, 0)
  })

  it('is never over a limit of connections and streams, and empty at the end, whatever is done', () => {
    const step = fc.record({
      what: fc.constantFrom('connect', 'scope', 'stream', 'protocol', 'end stream', 'end scope'),
      at: fc.nat(20),
      inbound: fc.boolean()
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const limiter = make()
        const scopes: {
          scope: ReturnType<Limiter['openScope']>
          streams: ReturnType<ReturnType<Limiter['openScope']>['openStream']>[]
        }[] = []
        const connected: PeerId[] = []
        let id = 0
        const attempt = (run: () => void): void => {
          try {
            run()
          } catch (error) {
            assert.match(
              (error as { code: string }).code,
              /^ERR_(STREAM_LIMIT|CONNECTION_LIMIT|CONNECTION_UNREGISTERED)$/
            )
          }
        }
        for (const { what, at, inbound } of steps) {
          const who = at % 2 === 0 ? a : b
          const entry = scopes[at % Math.max(1, scopes.length)]
          const stream = entry?.streams[at % Math.max(1, entry.streams.length)]
          if (what === 'connect') {
            attempt(() => {
              limiter.openConnection(who)
              connected.push(who)
            })
          } else if (what === 'scope') {
            scopes.push({ scope: limiter.openScope(`${id++}`, who), streams: [] })
          } else if (what === 'stream') {
            attempt(() =>
              entry?.streams.push(entry.scope.openStream(inbound ? 'inbound' : 'outbound'))
            )
          } else if (what === 'protocol') attempt(() => void stream?.setProtocol(`/${at % 3}`))
          else if (what === 'end stream') stream?.close()
          else entry?.scope.close()
          const { system, peers, connections } = limiter.resources()
          const uses = [
            system.streams,
            ...peers.flatMap(each => [
              each.connections,
              each.streams,
              ...each.protocols.map(p => p.streams)
            ]),
            ...connections.map(each => each.streams)
          ]
          for (const { used, limit } of uses) assert.ok(used >= 0 && used <= limit)
        }
        for (const { scope } of scopes) scope.close()
        for (const who of connected) limiter.closeConnection(who)
        const { system, peers, connections } = limiter.resources()
        assert.deepEqual(
          [system.connections.used, system.streams.used, peers, connections],
          [0, 0, [], []]
        )
      }),
      { numRuns: 200 }
    )
  })

  it('scales its defaults down to a small machine, and leaves them on a large one', () => {
    const large = limitsFor({ memory: 64 * GiB, descriptors: 1_048_576 }, DEFAULTS)
    assert.equal(large.maxBytes, DEFAULTS.maxBytes)
    assert.equal(large.maxStreams, DEFAULTS.maxStreams)
    assert.equal(large.maxConnections, DEFAULTS.maxConnections)
    const small = limitsFor({ memory: GiB / 2, descriptors: 256 }, DEFAULTS)
    assert.equal(small.maxBytes, GiB / 16)
    assert.equal(small.maxBytesPerPeer, GiB / 64)
    assert.equal(small.maxStreams, 8_192)
    assert.equal(small.maxConnections, 128)
    const tiny = limitsFor({ memory: 1, descriptors: 1 }, DEFAULTS)
    for (const value of Object.values(tiny)) assert.ok(value >= 1)
    const { memory, descriptors } = thisMachine()
    assert.ok(memory > GiB / 8 && descriptors > 16)
  })

  it('takes a limit that is given as it is, on any machine', () => {
    const machine = { memory: GiB / 2, descriptors: 256 }
    const resolved = resolveOptions({ maxConnections: 5_000, maxBytes: GiB }, machine)
    assert.equal(resolved.maxConnections, 5_000)
    assert.equal(resolved.maxBytes, GiB)
    assert.equal(resolved.maxStreams, 8_192)
  })
})
