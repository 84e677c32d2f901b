import assert from 'node:assert/strict'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'
import { tcp as stockTcp } from '@libp2p/tcp'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import type { SwarmOptions } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { ECHO, echo, echoByHash } from '../interop/nodes.ts'
import { until } from '../support/until.ts'
import {
  BASIC,
  addressOf,
  addressesOf,
  cleanUp,
  connectionsOf,
  hosted,
  stock
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'

/** A relay's default limits for strangers are 128 KiB and two minutes; ours are named here. */
const MiB = 1024 * 1024
const LIMITS = { defaultDataLimit: BigInt(4 * MiB), defaultDurationLimit: 60_000 }
const relaying = { ...BASIC, relay: circuitRelayServer({ reservations: LIMITS }) }
const DIRECT_ONLY = '/test/direct-only/1.0.0'
const ANY = { runOnLimitedConnection: true }

/** Nodes that can be relayed to; each has the transports of its kind, and the relay's. */
const ourClient = async (listen: string[] = [], options: SwarmOptions = {}) =>
  hosted(BASIC, { transports: [tcp(), circuitRelayTransport()], addresses: { listen }, options })
const stockClient = async (listen: string[] = []) =>
  stock(BASIC, { transports: [stockTcp(), circuitRelayTransport()], addresses: { listen } })

/** Where a relay takes reservations. */
function seatAt(relay: Node): string {
  return `${String(addressOf(relay))}/p2p-circuit`
}

/** The address of a node through its relay, once its reservation is there. */
async function relayed(node: Node): Promise<Multiaddr> {
  const find = (): Multiaddr | undefined =>
    addressesOf(node).find(each => each.toString().includes('/p2p-circuit'))
  await until(() => find() !== undefined, 'a reservation is there', 10_000)
  const found = find()
  assert.ok(found)
  assert.ok(found.toString().endsWith(`/p2p-circuit/p2p/${node.peerId.toString()}`), String(found))
  return found
}

/** The bytes that a relayed connection may still carry. */
function leftOf({ limits }: Connection): number {
  const { bytes = 0n, seconds = 0 } = limits ?? {}
  assert.ok(bytes > 0n && bytes <= LIMITS.defaultDataLimit, `${bytes} bytes are left`)
  // The server of js-libp2p (circuit-relay-v2 4.2) writes milliseconds where the specification has
  // seconds, so the figure is a thousand times too large; it is handed on as it came.
  assert.ok(seconds > 50 && seconds <= LIMITS.defaultDurationLimit, `${seconds} seconds are left`)
  return Number(bytes)
}

/** A limited connection each way that carries a stream, and tells of its limits. */
async function carries(dialler: Node, target: Node): Promise<void> {
  let served = 0
  await target.handle(ECHO, echo, ANY)
  await target.handle(DIRECT_ONLY, () => {
    served++
  })
  const connection = await dialler.dial(await relayed(target))
  assert.equal(connection.remotePeer.toString(), target.peerId.toString())
  assert.equal(connection.direct, false)
  await until(() => connectionsOf(target, dialler.peerId).length > 0, 'it is known there', 5_000)
  const [inbound] = connectionsOf(target, dialler.peerId)
  assert.equal(inbound?.direct, false)
  const before = [leftOf(connection), leftOf(inbound)]

  await assert.rejects(connection.newStream(ECHO), { name: 'LimitedConnectionError' })
  const uninvited = await connection.newStream(DIRECT_ONLY, ANY).catch(() => undefined)
  await until(() => uninvited?.status !== 'open', 'the target refuses', 5_000)
  assert.equal(served, 0, 'its handler did not ask for limited connections')
  await echoByHash(await connection.newStream(ECHO, ANY), MiB)
  // Each side counts what it has sent and received.
  for (const [index, end] of [connection, inbound].entries()) {
    const used = Number(before[index]) - leftOf(end)
    assert.ok(used >= 2 * MiB && used < 2.1 * MiB, `${used} bytes were counted`)
  }
  await connection.close()
  await until(() => connectionsOf(target, dialler.peerId).length === 0, 'it ends there too', 5_000)
}

describe('circuit-relay-v2, hosted', () => {
  afterEach(cleanUp)

  it('relays between two stock nodes', async () => {
    const relay = await hosted(relaying)
    const target = await stockClient([seatAt(relay)])
    await carries(await stockClient(), target)
    assert.equal(relay.services.relay.reservations.size, 1)
  })

  it('reserves at a stock relay and is dialled through it by a stock node', async () => {
    const relay = await stock(relaying)
    const target = await ourClient([seatAt(relay)])
    await carries(await stockClient(), target)
    assert.equal(relay.services.relay.reservations.size, 1)
  })

  it('dials a stock node through a stock relay', async () => {
    const relay = await stock(relaying)
    const target = await stockClient([seatAt(relay)])
    await carries(await ourClient(), target)
  })

  it('relays between two swarms of its own kind', async () => {
    const relay = await hosted(relaying)
    const target = await ourClient([seatAt(relay)])
    await carries(await ourClient(), target)
  })

  it('finds a stock relay by itself', async () => {
    const relay = await stock(relaying)
    const target = await ourClient(['/p2p-circuit'])
    await target.dial(addressOf(relay))
    await carries(await stockClient(), target)
  })

  it('tells peers of the relayed address, and takes it back when the relay is gone', async () => {
    const relay = await stock(relaying)
    const target = await ourClient([])
    const heard: string[] = []
    target.addEventListener('listening', ({ detail }) => heard.push(detail.toString()))
    await target.listen(multiaddr(seatAt(relay)))
    const address = await relayed(target)
    assert.deepEqual(heard, [`${String(addressOf(relay))}/p2p-circuit`])
    const told = async (): Promise<boolean> => {
      const { addresses } = await target.components.peerStore.get(target.peerId)
      return addresses.some(each => address.toString().startsWith(each.multiaddr.toString()))
    }
    await until(told, 'it is announced', 5_000)
    await relay.stop()
    await until(async () => !(await told()), 'it is announced no more', 5_000)
    assert.deepEqual(addressesOf(target), [])
  })

  it('ends what goes over the data limit', async () => {
    const relay = await hosted({
      ...BASIC,
      relay: circuitRelayServer({ reservations: { defaultDataLimit: BigInt(64 * 1024) } })
    })
    const target = await stockClient([seatAt(relay)])
    await target.handle(ECHO, echo, ANY)
    const dialler = await ourClient()
    const connection = await dialler.dial(await relayed(target))
    const stream = await connection.newStream(ECHO, ANY)
    await assert.rejects(echoByHash(stream, MiB))
    await until(() => connection.status !== 'open', 'the connection ends', 5_000)
    assert.equal(dialler.connections(target.peerId).length, 0)
  })

  it('refuses reservations that the gater denies', async () => {
    const relay = await hosted(relaying, {
      connectionGater: { denyInboundRelayReservation: () => true }
    })
    // The server leaves the stream of a refused reservation open, which closing waits for.
    const target = await ourClient([], { closeTimeout: 200 })
    await assert.rejects(target.listen(multiaddr(seatAt(relay))), {
      code: 'ERR_LISTEN',
      message: /PERMISSION_DENIED/
    })
    assert.equal(relay.services.relay.reservations.size, 0)
  })
})
