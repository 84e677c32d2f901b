import assert from 'node:assert/strict'
import { gossipsub } from '@libp2p/gossipsub'
import type { GossipSub, Message } from '@libp2p/gossipsub'
import type { ServiceMap } from '@libp2p/interface'
import { until } from '../support/until.ts'
import { BASIC, addressOf, cleanUp, hosted, stock } from './support/nodes.ts'

const TOPIC = 'test/news'
const services = { ...BASIC, pubsub: gossipsub({ heartbeatInterval: 100 }) }

interface Publishing extends ServiceMap {
  readonly pubsub: GossipSub
}

/** What a node hears of the topic from now on. */
function subscribe(node: { services: Publishing }): string[] {
  const { pubsub } = node.services
  const heard: string[] = []
  pubsub.addEventListener('message', ({ detail }: CustomEvent<Message>) => {
    if (detail.topic === TOPIC) heard.push(new TextDecoder().decode(detail.data))
  })
  pubsub.subscribe(TOPIC)
  return heard
}

/** Whether a node's mesh for the topic has as many peers. */
async function meshed(node: { services: Publishing }, peers: number): Promise<void> {
  const pubsub = node.services.pubsub as GossipSub & { getMeshPeers(topic: string): string[] }
  await until(() => pubsub.getMeshPeers(TOPIC).length === peers, 'the mesh is grafted', 10_000)
}

describe('gossipsub, hosted', () => {
  afterEach(cleanUp)

  for (const dialler of ['we dial', 'we are dialled'] as const) {
    it(`publishes to stock libp2p and hears it when ${dialler}`, async () => {
      const [ours, theirs] = [await hosted(services), await stock(services)]
      const [weHear, theyHear] = [subscribe(ours), subscribe(theirs)]
      if (dialler === 'we dial') await ours.dial(addressOf(theirs))
      else await theirs.dial(addressOf(ours))
      await meshed(ours, 1)
      await meshed(theirs, 1)

      const say = new TextEncoder()
      await ours.services.pubsub.publish(TOPIC, say.encode('from us'))
      await theirs.services.pubsub.publish(TOPIC, say.encode('from them'))
      await until(() => theyHear.length > 0 && weHear.length > 0, 'both have heard', 5_000)
      assert.deepEqual(theyHear, ['from us'])
      assert.deepEqual(weHear, ['from them'])
      assert.deepEqual(ours.services.pubsub.getSubscribers(TOPIC).map(String), [
        theirs.peerId.toString()
      ])

      theirs.services.pubsub.unsubscribe(TOPIC)
      await until(
        () => ours.services.pubsub.getSubscribers(TOPIC).length === 0,
        'the end of the subscription is known',
        5_000
      )
    })
  }

  it('passes on what one stock node says to another', async () => {
    const ours = await hosted(services)
    const [from, to] = [await stock(services), await stock(services)]
    const heard = subscribe(to)
    subscribe(ours)
    subscribe(from)
    await from.dial(addressOf(ours))
    await ours.dial(addressOf(to))
    await meshed(ours, 2)
    await meshed(from, 1)
    await meshed(to, 1)
    await from.services.pubsub.publish(TOPIC, new TextEncoder().encode('through us'))
    await until(() => heard.length > 0, 'it has come through', 5_000)
    assert.deepEqual(heard, ['through us'])
    // A peer that goes leaves the mesh.
    await to.stop()
    await meshed(ours, 1)
  })
})
