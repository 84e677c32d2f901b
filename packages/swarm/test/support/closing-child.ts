import assert from 'node:assert/strict'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { addressOf, echo, exchange, listening, swarm, until } from './nodes.ts'

/**
 * A process of its own: uses swarms in every way, closes them, says so, and must then end by
 * itself, at once.
 */
const ECHO = '/warren-test/echo/1.0.0'
const services = { identify: identify(), ping: ping() }
const options = { closeTimeout: 200 }

const server = await listening({ services, options })
const client = await swarm({ services, options })
const told = { connected: 0, disconnected: 0 }
for (const node of [server, client]) {
  node.addEventListener('connected', () => told.connected++)
  node.addEventListener('disconnected', () => told.disconnected++)
}
await server.handle(ECHO, echo)
// A stream that stays open, one that ends, and a ping.
await client.newStream(addressOf(server), ECHO)
assert.equal(await exchange(await client.newStream(server.peerId, ECHO), 'x'), 'x')
await client.services.ping.ping(server.peerId)
// A connection in the accept queue, with a stream that nobody answers.
server.pause()
const other = await swarm({ options })
const unanswered = other.newStream(addressOf(server), ECHO)
unanswered.catch(() => {})
await until(() => other.connections().length === 1, 'it is queued')
// Two that dial each other, so that one connection is to go.
const [a, b] = [await listening({ options }), await listening({ options })]
await Promise.all([a.dial(addressOf(b)), b.dial(addressOf(a))])
// A swarm that cannot start, because its second address is taken.
const [taken = ''] = a.listenAddrs().map(String)
await assert.rejects(listening({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0', taken] } }), {
  code: 'ERR_LISTEN'
})

await Promise.all([client, other, a, b].map(async node => node.close()))
await assert.rejects(unanswered)
await server.close()
await server.close()
for (const node of [client, other, server, a, b]) {
  assert.equal(node.status, 'closed')
  assert.deepEqual(node.connections(), [])
  assert.deepEqual(node.listenAddrs(), [])
}
assert.ok(told.connected > 0)
assert.equal(told.disconnected, told.connected)
console.log('closed')
