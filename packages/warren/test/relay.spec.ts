import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, createRelay } from '../src/index.ts'
import type { NodeOptions, RelayOptions, WarrenNode } from '../src/index.ts'
import { peerOf, withPeer } from '../src/node/addresses.ts'
import { Members } from '../src/relay/members.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const KiB = 1_024

describe('relays', () => {
  const ends: (() => Promise<unknown>)[] = []
  let server: Server
  let target: number
  const body = randomBytes(300 * KiB)
  before(async () => {
    server = createServer((_request, response) => response.end(body))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    target = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    while (ends.length > 0) await ends.pop()?.()
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  const relayed = async (options: RelayOptions = {}) => {
    const relay = await createRelay({ listen: LISTEN, ...options })
    ends.push(() => relay.close())
    return { relay, address: relay.addresses()[0] ?? '' }
  }
  const make = async (options: NodeOptions): Promise<WarrenNode> => {
    const node = await createNode({ listen: [], ...options })
    ends.push(() => node.close())
    return node
  }
  const ticketOf = async (node: WarrenNode): Promise<string> => {
    await node.share({ target, name: 'web' })
    return (await node.ticket({ channel: 'web' })).text
  }
  const get = async (url: string): Promise<Buffer> => {
    const response = await fetch(url, { headers: { connection: 'close' } })
    return Buffer.from(await response.arrayBuffer())
  }

  it('lead to a node that listens nowhere; status, ping and explain tell of it', async () => {
    const { relay, address } = await relayed()
    const here = await make({ relays: [address] })
    assert.deepEqual(here.status().relays, [{ address, state: 'reserved', error: undefined }])
    assert.deepEqual(here.ticketAddresses(), [`${address}/p2p-circuit`])
    assert.deepEqual(here.addresses(), [`${address}/p2p-circuit/p2p/${here.peerId}`])
    assert.deepEqual(relay.status().seats, [{ peer: here.peerId, member: false }])

    const there = await make({})
    const web = await there.open({ ticket: await ticketOf(here) })
    assert.ok((await get(web.url)).equals(body), 'more than a connection may carry')
    const [link] = there.status().links
    assert.equal(link?.path, 'relayed')
    assert.ok((link?.limits?.bytes ?? Number.NaN) <= 128 * KiB)
    assert.ok((link?.limits?.seconds ?? Number.NaN) <= 120)
    assert.ok((await there.ping(here.peerId)) > 0)
    const told = await there.explain(here.peerId)
    assert.equal(told.linked, true)
    assert.deepEqual(
      told.paths.map(({ path, used }) => [path, used]),
      [['relayed', true]]
    )
    assert.deepEqual(
      told.dials.map(dial => [dial.address, dial.step]),
      [[`${address}/p2p-circuit/p2p/${here.peerId}`, 'connected']]
    )
  })

  it('limit by who has the seat: members by the list, as it is now', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'warren-relay-'))
    ends.push(() => rm(directory, { recursive: true }))
    const allowFile = join(directory, 'members')
    await writeFile(allowFile, '# nobody yet\n')
    const { relay, address } = await relayed({
      allowFile,
      memberLimits: { bytes: 1_000_000, seconds: 60 },
      strangers: 'none'
    })
    const refused = await make({ relays: [address] })
    const [status] = refused.status().relays
    assert.equal(status?.state, 'trying')
    assert.match(String(status?.error), /PERMISSION_DENIED/)

    const seated = new Promise<void>(resolve => {
      refused.on('relay', ({ state }) => state === 'reserved' && resolve())
    })
    await writeFile(allowFile, `${refused.peerId} # the laptop\n`)
    await seated
    assert.deepEqual(relay.status().seats, [{ peer: refused.peerId, member: true }])
    const there = await make({})
    await there.open({ ticket: await ticketOf(refused) })
    const { limits } = there.status().links[0] ?? {}
    assert.ok((limits?.bytes ?? 0) > 900_000 && (limits?.bytes ?? 0) < 1_000_000)
    assert.ok((limits?.seconds ?? 0) > 50 && (limits?.seconds ?? 0) <= 60)
  })

  it('give a seat up with the connection of who had it', async () => {
    const { relay, address } = await relayed()
    const here = await make({ relays: [address] })
    assert.equal(relay.status().seats.length, 1)
    await here.close()
    while (relay.status().seats.length > 0) await new Promise(resolve => setTimeout(resolve, 5))
  })

  it('of which one is dead leave the seat at the other alone', async () => {
    const dead = await relayed()
    await dead.relay.close()
    const { address } = await relayed()
    const here = await make({ relays: [dead.address, address] })
    const states = here.status().relays.map(({ state }) => state)
    assert.deepEqual(states, ['trying', 'reserved'])
    const there = await make({})
    const web = await there.open({ ticket: await ticketOf(here) })
    assert.ok((await get(web.url)).equals(body))
  })

  it('of a network with a pre-shared key take everyone in it for a member, and nobody else', async () => {
    const psk = randomBytes(32)
    const { relay, address } = await relayed({ psk, strangers: 'none' })
    const here = await make({ relays: [address], psk })
    assert.deepEqual(relay.status().seats, [{ peer: here.peerId, member: true }])
    const there = await make({ psk })
    const web = await there.open({ ticket: await ticketOf(here) })
    assert.ok((await get(web.url)).equals(body))
    assert.equal(there.status().sessions.resumed, 0)
    const stranger = await make({ relays: [address] })
    assert.equal(stranger.status().relays[0]?.state, 'trying')
    assert.equal(relay.status().seats.length, 1)
  })

  it('are refused where they are none', async () => {
    const { address } = await relayed()
    const none = address.replace(/\/p2p\/.*/, '')
    await assert.rejects(make({ relays: [none] }), { code: 'ERR_NODE_OPTIONS', message: /\/p2p\// })
    const nested = `${address}/p2p-circuit/p2p/${peerOf(multiaddr(address))}`
    await assert.rejects(make({ relays: [nested] }), { code: 'ERR_NODE_OPTIONS' })
    await assert.rejects(make({ relays: Array(5).fill(address) }), { code: 'ERR_NODE_OPTIONS' })
    await assert.rejects(relayed({ memberLimits: { bytes: 1 } }), { code: 'ERR_NODE_OPTIONS' })
    await assert.rejects(relayed({ allow: ['me'] }), { code: 'ERR_ALLOW_LIST' })
    await assert.rejects(Members.create(false, [], '/nowhere/members'), { code: 'ERR_ALLOW_LIST' })
  })
})

describe('addresses behind a relay', () => {
  const relay = '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
  const peer = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

  it('keep the id of the relay when that of the peer is put at their end', () => {
    const seat = multiaddr(`${relay}/p2p-circuit`)
    assert.equal(peerOf(seat), undefined)
    assert.equal(withPeer(seat, peer), `${relay}/p2p-circuit/p2p/${peer}`)
    assert.equal(
      withPeer(multiaddr(withPeer(seat, peer)), peer),
      `${relay}/p2p-circuit/p2p/${peer}`
    )
    assert.equal(peerOf(multiaddr(withPeer(seat, peer))), peer)
  })
})
