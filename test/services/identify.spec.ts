import assert from 'node:assert/strict'
import type { IdentifyResult } from '@libp2p/interface'
import { until } from '../support/until.ts'
import {
  BASIC,
  addressOf,
  cleanUp,
  connectionsOf,
  hosted,
  protocolsOf,
  stock
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'

/** The first identify that a node tells of. */
async function identified(node: Node): Promise<IdentifyResult> {
  return new Promise(resolve => {
    const listener = ({ detail }: CustomEvent<IdentifyResult>): void => resolve(detail)
    if ('getMultiaddrs' in node) node.addEventListener('peer:identify', listener, { once: true })
    else node.addEventListener('peer:identify', listener, { once: true })
  })
}

describe('identify, hosted', () => {
  afterEach(cleanUp)

  for (const dialler of ['we dial', 'we are dialled'] as const) {
    it(`tells each side what the other is when ${dialler}`, async () => {
      const [ours, theirs] = [await hosted(BASIC), await stock(BASIC)]
      const [weLearn, theyLearn] = [identified(ours), identified(theirs)]
      if (dialler === 'we dial') await ours.dial(addressOf(theirs))
      else await theirs.dial(addressOf(ours))

      const [them, us] = [await weLearn, await theyLearn]
      assert.equal(them.peerId.toString(), theirs.peerId.toString())
      assert.equal(us.peerId.toString(), ours.peerId.toString())
      for (const [seen, node] of [
        [them, theirs],
        [us, ours]
      ] as const) {
        assert.ok(seen.protocols.includes('/ipfs/ping/1.0.0'))
        assert.equal(seen.signedPeerRecord?.addresses.length, 1, 'a record signed by its owner')
        const told = seen.listenAddrs.map(
          address => `${String(address)}/p2p/${String(node.peerId)}`
        )
        assert.deepEqual(told, [String(addressOf(node))])
      }
      assert.match(us.agentVersion ?? '', /^warren\//)
      assert.match(them.agentVersion ?? '', /libp2p/)
    })
  }
})

describe('identify push, hosted', () => {
  afterEach(cleanUp)

  const LATE = '/test/late/1.0.0'

  for (const [title, speaker] of [
    ['ours reaches stock libp2p', 'ours'],
    ['that of stock libp2p reaches us', 'stock']
  ] as const) {
    it(`a protocol that comes and goes later: ${title}`, async () => {
      const [ours, theirs] = [await hosted(BASIC), await stock(BASIC)]
      const known = [identified(ours), identified(theirs)]
      await ours.dial(addressOf(theirs))
      await Promise.all(known)

      const [teller, listener] = speaker === 'ours' ? [ours, theirs] : [theirs, ours]
      const speaks = async () => (await protocolsOf(listener, teller.peerId)).includes(LATE)
      assert.equal(await speaks(), false)
      await teller.handle(LATE, () => {})
      await until(speaks, 'the new protocol is known', 5_000)
      await teller.unhandle(LATE)
      await until(async () => !(await speaks()), 'the protocol is known to be gone', 5_000)
      assert.equal(connectionsOf(ours, theirs.peerId).length, 1)
    })
  }
})
