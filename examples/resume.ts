/**
 * A session goes on while the TCP connection beneath it is cut: 64 MiB through a relay that resets
 * it three times on the way, compared by hash.
 *
 *     node examples/resume.ts
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel, generateToken } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

const MIB = 1024 * 1024
const parts = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
const token = generateToken()

const far = await createSwarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
const farTunnel = createTunnel(far, { token })
const listener = await farTunnel.listen('data', { bytes: true })

// A bad line: it carries bytes between the two, until it is told to cut.
const port = Number(/\/tcp\/(\d+)/.exec(String(far.listenAddrs()[0]))?.[1])
const carried = new Set<net.Socket>()
const relay = net.createServer(client => {
  const server = net.connect(port, '127.0.0.1')
  for (const [one, other] of [
    [client, server],
    [server, client]
  ] as const) {
    carried.add(one)
    one
      .on('error', () => {})
      .on('close', () => {
        carried.delete(one)
        other.destroy()
      })
    one.pipe(other)
  }
})
await once(relay.listen(0, '127.0.0.1'), 'listening')
const cut = (): void => {
  for (const socket of carried) socket.resetAndDestroy()
}

const near = await createSwarm(parts)
const { port: relayPort } = relay.address() as AddressInfo
const nearTunnel = createTunnel(near, {
  token,
  nodes: [multiaddr(`/ip4/127.0.0.1/tcp/${relayPort}/p2p/${far.peerId.toString()}`)]
})

const sending = await nearTunnel.dial('data', { bytes: true })
sending.on('detached', () => console.log('the connection broke; the session waits'))
sending.on('resumed', () => console.log('it goes on where it was'))

const sent = createHash('sha256')
const upload = async (): Promise<void> => {
  for (let block = 1; block <= 64; block++) {
    const bytes = randomBytes(MIB)
    sent.update(bytes)
    if (!sending.write(bytes)) await sending.drained()
    if (block % 16 === 0 && block < 64) cut()
  }
  await sending.close()
}

const receiving = await listener.accept()
const got = createHash('sha256')
let bytes = 0
const download = async (): Promise<void> => {
  for await (const chunk of receiving) {
    got.update(chunk)
    bytes += chunk.length
  }
  await receiving.close()
}
await Promise.all([upload(), download()])
//=> the connection broke; the session waits
//=> it goes on where it was

console.log(`${bytes / MIB} MiB, the same hash: ${got.digest('hex') === sent.digest('hex')}`)
//=> 64 MiB, the same hash: true

for (const one of [nearTunnel, farTunnel, near, far]) await one.close()
relay.close()
