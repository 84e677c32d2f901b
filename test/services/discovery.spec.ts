import assert from 'node:assert/strict'
import { bootstrap } from '@libp2p/bootstrap'
import type { PeerId, PeerInfo } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'
import {
  BASIC,
  addressOf,
  cleanUp,
  componentsOf,
  connectionsOf,
  hosted,
  stock
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'
import { GROUP, loopbackAlone, multicastPort } from './support/multicast.ts'

/** Resolves when the node has told of the peer, with its addresses. */
async function discovery(node: Node, peer: PeerId): Promise<PeerInfo> {
  return new Promise(resolve => {
    componentsOf(node).events.addEventListener('peer:discovery', ({ detail }) => {
      if (detail.id.equals(peer)) resolve(detail)
    })
  })
}

describe('bootstrap, hosted', () => {
  afterEach(cleanUp)

  for (const [title, make, other] of [
    ['finds a stock node and connects to it', hosted, stock],
    ['of a stock node finds us and connects to us', stock, hosted]
  ] as const) {
    it(title, async () => {
      const known = await other(BASIC)
      const list = [addressOf(known).toString()]
      const node = await make({ ...BASIC, bootstrap: bootstrap({ list, timeout: 1 }) })
      await until(() => connectionsOf(node, known.peerId).length === 1, 'it connects', 5_000)
      const { tags } = await componentsOf(node).peerStore.get(known.peerId)
      assert.equal(tags.get('bootstrap')?.value, 50)
    })
  }

  it('tells of the peer before it connects', async () => {
    const known = await stock(BASIC)
    const list = [addressOf(known).toString()]
    const node = await hosted({ ...BASIC, bootstrap: bootstrap({ list, timeout: 50 }) })
    const order: string[] = []
    componentsOf(node).events.addEventListener('peer:discovery', () => order.push('discovered'))
    node.addEventListener('connected', () => order.push('connected'))
    await until(() => order.includes('connected'), 'it connects', 5_000)
    assert.deepEqual(order, ['discovered', 'connected'])
  })
})

describe('mdns, hosted', () => {
  let port: number | undefined
  let restore = (): void => {}

  before(async function () {
    port = await multicastPort()
    if (port === undefined) skip(this, 'multicast over loopback')
    restore = loopbackAlone()
  })
  after(() => restore())
  afterEach(cleanUp)

  it('finds a stock node and is found by it', async () => {
    assert.ok(port !== undefined)
    const services = { ...BASIC, mdns: mdns({ ip: GROUP, port, interval: 100 }) }
    const [ours, theirs] = [await hosted(services), await stock(services)]
    const [them, us] = await Promise.all([
      discovery(ours, theirs.peerId),
      discovery(theirs, ours.peerId)
    ])
    assert.equal(us.id.toString(), ours.peerId.toString())
    assert.equal(them.multiaddrs.length, 1)
    // What was found can be dialled by id.
    const connection = await ours.dial(theirs.peerId)
    assert.equal(connection.remotePeer.toString(), theirs.peerId.toString())
  })
})
