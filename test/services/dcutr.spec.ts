import assert from 'node:assert/strict'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { dcutr } from '@libp2p/dcutr'
import type { ConnectionGater, PeerId } from '@libp2p/interface'
import { tcp as stockTcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { tcp } from '@warren/transport-tcp'
import { ECHO, echo, echoByHash } from '../interop/nodes.ts'
import { until } from '../support/until.ts'
import {
  BASIC,
  LOOPBACK,
  addressOf,
  addressesOf,
  cleanUp,
  componentsOf,
  connectionsOf,
  hosted,
  stock
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'

/*
 * DCUtR dials public addresses only. A name counts as one, so the nodes here are known under
 * `localhost` too. What this cannot show: two NATs opened by packets that cross. Node dials TCP
 * from a port of its own, not from the one it listens on, so there is no simultaneous open, and a
 * direct dial succeeds only where one side can be reached: a limit of DCUtR over TCP in Node.
 */
const services = { ...BASIC, dcutr: dcutr({ timeout: 30_000, retries: 1 }) }
const relaying = { ...BASIC, relay: circuitRelayServer() }

/** Does not keep the public addresses that identify tells of, so that DCUtR alone tells of them. */
const FORGETFUL: ConnectionGater = {
  filterMultiaddrForPeer: (_peer: PeerId, address: Multiaddr) => !isPublic(address)
}

function isPublic(address: Multiaddr): boolean {
  return address.toString().startsWith('/dns4/localhost/')
}

const ours = async (listen: string[], connectionGater: ConnectionGater) =>
  hosted(services, {
    transports: [tcp(), circuitRelayTransport()],
    addresses: { listen },
    connectionGater
  })
const theirs = async (listen: string[], connectionGater: ConnectionGater) =>
  stock(services, {
    transports: [stockTcp(), circuitRelayTransport()],
    addresses: { listen },
    connectionGater
  })

/** Has the node known under a name; others take that for a public address. */
function makePublic(node: Node): void {
  const port = addressOf(node)
    .getComponents()
    .find(({ name }) => name === 'tcp')?.value
  const named = multiaddr(`/dns4/localhost/tcp/${port}`)
  componentsOf(node).addressManager.confirmObservedAddr(named, { type: 'observed' })
  assert.equal(addressesOf(node).filter(isPublic).length, 1, addressesOf(node).join())
}

/** Both ends have direct connections only, which carry streams. */
async function direct(a: Node, b: Node): Promise<void> {
  for (const [node, peer] of [
    [a, b.peerId],
    [b, a.peerId]
  ] as const) {
    const isDirect = (): boolean => {
      const connections = connectionsOf(node, peer)
      return connections.length > 0 && connections.every(each => each.limits === undefined)
    }
    // Less than closing waits for streams: neither side may wait for the other to let go first.
    await until(isDirect, 'the connection is direct', 4_000)
  }
  const [connection] = connectionsOf(a, b.peerId)
  assert.ok(connection)
  assert.equal(connection.direct, true)
  await echoByHash(await connection.newStream(ECHO), 256 * 1024)
}

const PAIRS = [
  { title: 'we dial a stock node', dialler: ours, target: theirs },
  { title: 'a stock node dials us', dialler: theirs, target: ours },
  { title: 'we dial our own kind', dialler: ours, target: ours }
] as const

describe('dcutr, hosted', () => {
  afterEach(cleanUp)

  for (const { title, dialler: makeDialler, target: makeTarget } of PAIRS) {
    for (const way of ['one side is public', 'the two sides agree to dial at once'] as const) {
      it(`moves a relayed connection to a direct one: ${title}, ${way}`, async () => {
        const relay = await stock(relaying)
        const seat = `${String(addressOf(relay))}/p2p-circuit`
        const agree = way === 'the two sides agree to dial at once'
        const target = await makeTarget([LOOPBACK, seat], agree ? FORGETFUL : {})
        const dialler = await makeDialler([LOOPBACK], {})
        makePublic(dialler)
        if (agree) makePublic(target)
        await target.handle(ECHO, echo)
        const limited: boolean[] = []
        componentsOf(target).events.addEventListener('connection:open', ({ detail }) => {
          if (detail.remotePeer.equals(dialler.peerId)) limited.push(detail.limits !== undefined)
        })
        await dialler.dial(multiaddr(`${seat}/p2p/${target.peerId.toString()}`))
        await direct(dialler, target)
        assert.equal(limited[0], true, 'it began as a relayed connection')
      })
    }
  }
})
