import assert from 'node:assert/strict'
import type { PeerDiscovery, PeerDiscoveryEvents, PeerInfo } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'
import { TypedEventEmitter } from 'main-event'
import { generateToken } from '../../src/index.ts'
import { cleanUp, linked, node, once, swarmNode, until } from '../support/nodes.ts'

/** A discovery service that finds what the test says. */
class Finder extends TypedEventEmitter<PeerDiscoveryEvents> implements PeerDiscovery {
  find(swarm: Pick<Swarm, 'peerId' | 'listenAddrs'>): void {
    const detail: PeerInfo = { id: swarm.peerId, multiaddrs: swarm.listenAddrs() }
    this.dispatchEvent(new CustomEvent('peer', { detail }))
  }
}

describe('peers that discovery finds', () => {
  afterEach(cleanUp)

  it('become nodes: a link is kept to each', async () => {
    const finder = new Finder()
    const far = await node()
    const near = await node({ peerDiscovery: [finder] })
    await near.tunnel.connect()
    finder.find(near.swarm)
    finder.find(far.swarm)
    await linked(near, far)
    const again = once(near.tunnel, 'link')
    await far.swarm.closePeer(near.swarm.peerId)
    await again
    // Found again is no reason to begin anew.
    const [link] = near.tunnel.links()
    finder.find(far.swarm)
    assert.equal(near.tunnel.links()[0], link)
    assert.equal(near.tunnel.debug().keepers, 1)
  })

  it('at another address than before are dialled there', async () => {
    const finder = new Finder()
    const far = await node()
    const near = await node({ peerDiscovery: [finder] })
    await near.tunnel.connect()
    const failed = once(near.tunnel, 'link-error')
    const dead = await swarmNode()
    const deadAddrs = dead.listenAddrs()
    await dead.close()
    finder.find({ peerId: far.swarm.peerId, listenAddrs: () => deadAddrs })
    await failed
    finder.find(far.swarm)
    await linked(near, far)
  })

  it('are left alone when they run no tunnel, or are of another network', async () => {
    const finder = new Finder()
    const [none, foreign] = [await swarmNode(), await node({ token: generateToken() })]
    const near = await node({ peerDiscovery: [finder] })
    await near.tunnel.connect()
    const errors: Error[] = []
    near.tunnel.on('link-error', error => errors.push(error))
    for (const swarm of [none, foreign.swarm]) {
      finder.find(swarm)
      assert.equal(near.tunnel.debug().keepers, 1)
      await until(() => near.tunnel.debug().keepers === 0, 'it is none of the nodes')
      finder.find(swarm)
      assert.equal(near.tunnel.debug().keepers, 0)
    }
    assert.deepEqual(errors, [], 'that is nobody’s failure')
  })

  it('are bounded in number', async () => {
    const finder = new Finder()
    const near = await node({ peerDiscovery: [finder], limits: { discovered: 2 } })
    for (let i = 0; i < 4; i++) finder.find(await swarmNode())
    assert.equal(near.tunnel.debug().keepers, 2)
  })
})
