/**
 * One tunnel publishes; two others subscribe. A topic with a queue group shares work out, a
 * broadcast tells everybody, and one who does not listen misses messages without holding up anyone.
 *
 *     node examples/publish.ts
 */
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createBroker, createTunnel, generateToken } from '@warren/tunnel'
import type { Subscription } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

const parts = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
const token = generateToken()
const encode = (text: string): { body: Uint8Array } => ({ body: new TextEncoder().encode(text) })
const decode = (message?: { body: Uint8Array }): string => new TextDecoder().decode(message?.body)

const hubSwarm = await createSwarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
const hub = createTunnel(hubSwarm, { token })
const nodes = hubSwarm.listenAddrs().map(a => a.encapsulate(`/p2p/${hubSwarm.peerId.toString()}`))
const [anneSwarm, bobSwarm] = [await createSwarm(parts), await createSwarm(parts)]
const anne = createTunnel(anneSwarm, { token, nodes })
const bob = createTunnel(bobSwarm, { token, nodes })
await Promise.all([anne.connect(), bob.connect()])

// A topic: each job goes to one of the workers, wherever they are, and the log gets all of them.
const workers = await Promise.all(
  [anne, bob].map(tunnel => createBroker(tunnel).subscribe('jobs', { queue: 'workers' }))
)
const broker = createBroker(hub)
const log = await broker.subscribe('jobs')
let done = 0
const work = async (jobs: Subscription): Promise<void> => {
  for await (const _ of jobs) done++
}
void workers.map(work)
for (let i = 1; i <= 10; i++) {
  await broker.publish('jobs', encode(`job ${i}`))
  const noted = decode(await log.receive())
  if (i === 10) console.log('logged last:', noted)
}
//=> logged last: job 10
await broker.close()
await Promise.all(workers.map(jobs => jobs.close()))
console.log('done:', done)
//=> done: 10

// A broadcast: Anne reads, Bob does not. He is told the newest price when he does, and what he missed.
const [annes, bobs] = await Promise.all(
  [anne, bob].map(async tunnel => tunnel.listen('price', { mode: 'broadcast' }))
)
const prices = await hub.dial('price', { mode: 'broadcast', overload: 'latest' })
const [atAnnes, atBobs] = [await annes?.accept(), await bobs?.accept()]
const body = new Uint8Array(10_000)
let annesLast: string | undefined
for (let price = 1; price <= 100; price++) {
  await prices.send({ headers: { price: `${price}` }, body })
  annesLast = (await atAnnes?.receive())?.headers?.['price']
}
console.log('anne has', annesLast, 'and missed', atAnnes?.missed)
//=> anne has 100 and missed 0

let bobsLast: string | undefined
while (bobsLast !== '100') bobsLast = (await atBobs?.receive())?.headers?.['price']
const left = prices.subscribers().find(({ dropped }) => dropped > 0)?.dropped
console.log('bob has', bobsLast, 'and missed some:', (left ?? 0) > 0 && left === atBobs?.missed)
//=> bob has 100 and missed some: true

for (const one of [anne, bob, hub, anneSwarm, bobSwarm, hubSwarm]) await one.close()
