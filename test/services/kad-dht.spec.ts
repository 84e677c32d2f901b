import assert from 'node:assert/strict'
import type { PeerId, ServiceMap } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { until } from '../support/until.ts'
import { BASIC, addressOf, cleanUp, hosted, stock } from './support/nodes.ts'

const PROTOCOL = '/test/kad/1.0.0'

/** Loopback addresses are kept, keys of any kind are taken, and every node is a server. */
const services = {
  ...BASIC,
  dht: kadDHT({
    protocol: PROTOCOL,
    clientMode: false,
    peerInfoMapper: passthroughMapper,
    validators: { test: async () => {} },
    selectors: { test: () => 0 }
  })
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
// A value may come as a Buffer, depending on which peer answers first.
const text = (value: Uint8Array): string => new TextDecoder().decode(value)

interface Routed extends ServiceMap {
  readonly dht: KadDHT
}

/** A peer is in the routing table once identify and a ping of it have run. */
async function routes(node: { services: Routed }, peer: PeerId): Promise<void> {
  const table = node.services.dht as unknown as {
    routingTable: { find(peer: PeerId): Promise<PeerId | undefined> }
  }
  await until(async () => (await table.routingTable.find(peer)) !== undefined, 'it is routed to')
}

/** Us, a stock node we dialled, and one that is connected to that one only. */
async function threeNodes() {
  const ours = await hosted(services)
  const middle = await stock(services)
  const far = await stock(services)
  await ours.dial(addressOf(middle))
  await far.dial(addressOf(middle))
  await routes(ours, middle.peerId)
  await routes(middle, ours.peerId)
  await routes(middle, far.peerId)
  await routes(far, middle.peerId)
  return { ours, middle, far }
}

describe('kad-dht, hosted', () => {
  afterEach(cleanUp)

  it('puts values that stock libp2p gets, and gets what it puts', async () => {
    const { ours, middle, far } = await threeNodes()
    const signal = AbortSignal.timeout(20_000)
    await ours.components.contentRouting.put(bytes('/test/ours'), bytes('from us'), { signal })
    assert.equal(text(await far.contentRouting.get(bytes('/test/ours'), { signal })), 'from us')
    assert.equal(text(await middle.contentRouting.get(bytes('/test/ours'), { signal })), 'from us')
    await far.contentRouting.put(bytes('/test/theirs'), bytes('from afar'), { signal })
    assert.equal(
      text(await ours.components.contentRouting.get(bytes('/test/theirs'), { signal })),
      'from afar'
    )
  })

  it('finds providers among stock nodes, and is found as one', async () => {
    const { ours, far } = await threeNodes()
    const signal = AbortSignal.timeout(20_000)
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async name => CID.createV1(raw.code, await sha256.digest(bytes(name))))
    )
    assert.ok(a !== undefined && b !== undefined)
    await ours.components.contentRouting.provide(a, { signal })
    await far.contentRouting.provide(b, { signal })
    const providers = async (found: AsyncIterable<{ id: PeerId }>): Promise<string[]> => {
      const ids: string[] = []
      for await (const { id } of found) ids.push(id.toString())
      return ids
    }
    assert.deepEqual(await providers(far.contentRouting.findProviders(a, { signal })), [
      ours.peerId.toString()
    ])
    assert.deepEqual(await providers(ours.components.contentRouting.findProviders(b, { signal })), [
      far.peerId.toString()
    ])
  })

  it('finds a peer it has not met, so that its id alone can be dialled', async () => {
    const { ours, middle, far } = await threeNodes()
    const signal = AbortSignal.timeout(20_000)
    const found = await ours.components.peerRouting.findPeer(far.peerId, { signal })
    assert.ok(found.multiaddrs.some(each => each.toString().startsWith('/ip4/127.0.0.1/tcp/')))
    await ours.closePeer(far.peerId)
    const connection = await ours.dial(far.peerId, { signal })
    assert.equal(connection.remotePeer.toString(), far.peerId.toString())
    // The walk goes over what the routing table leads to.
    const walked: string[] = []
    for await (const peer of ours.components.randomWalk.walk({ signal })) {
      walked.push(peer.id.toString())
      if (walked.length === 2) break
    }
    assert.ok(walked.includes(far.peerId.toString()) || walked.includes(middle.peerId.toString()))
    assert.ok(!walked.includes(ours.peerId.toString()), 'a walk does not lead to oneself')
  })
})
