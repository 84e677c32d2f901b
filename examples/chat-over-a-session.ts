/**
 * Two tunnels, each on a swarm composed from packages, exchange messages on a named channel.
 *
 *     node examples/chat-over-a-session.ts
 */
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Message } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

const parts = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
// Both know the token of their network; neither sends it.
const token = generateToken()

const annesSwarm = await createSwarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
const anne = createTunnel(annesSwarm, { token })
const guests = await anne.listen('chat')

const bobsSwarm = await createSwarm(parts)
const nodes = annesSwarm
  .listenAddrs()
  .map(addr => addr.encapsulate(`/p2p/${annesSwarm.peerId.toString()}`))
const bob = createTunnel(bobsSwarm, { token, nodes })

const say = (from: string, text: string): Message => ({
  headers: { from },
  body: new TextEncoder().encode(text)
})
const show = (message: Message | undefined): void =>
  console.log(`${message?.headers?.['from']}: ${new TextDecoder().decode(message?.body)}`)

// Bob knows the name of the channel; the tunnel finds who listens on it.
const atBobs = await bob.dial('chat')
await atBobs.send(say('bob', 'is anybody there?'))
await atBobs.send(say('bob', 'hello?'))

const atAnnes = await guests.accept()
show(await atAnnes.receive())
//=> bob: is anybody there?
show(await atAnnes.receive())
//=> bob: hello?

// `send` resolves when a message is on its way, `flush` when the other program has taken them all.
await atBobs.flush()
console.log(`unconfirmed: ${atBobs.stats().unackedBytes} bytes`)
//=> unconfirmed: 0 bytes

await atAnnes.send(say('anne', 'I was making tea'))
show(await atBobs.receive({ timeout: 5_000 }))
//=> anne: I was making tea

// The end comes behind everything that was sent.
const goodbye = atAnnes.close()
console.log('after the end:', await atBobs.receive())
//=> after the end: undefined
await Promise.all([goodbye, atBobs.close()])

for (const one of [bob, anne, bobsSwarm, annesSwarm]) await one.close()
