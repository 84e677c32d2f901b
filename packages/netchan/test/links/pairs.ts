import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Session, Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'

/** Two ends of something, and what ends all that is beneath. */
export interface Pair<T> {
  readonly a: T
  readonly b: T
  readonly end: () => Promise<void>
}

/** A TCP connection on loopback. */
export async function sockets(): Promise<Pair<Socket>> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const a = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[b]] = (await Promise.all([once(server, 'connection'), once(a, 'connect')])) as [
    [Socket],
    []
  ]
  return {
    a,
    b,
    async end() {
      a.destroy()
      b.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

const PROTOCOL = '/netchan-test/1.0.0'

/** A stream of a muxer between two swarms. */
export async function streams(): Promise<Pair<Stream>> {
  const [dialler, listener] = await Promise.all([swarm(), swarm()])
  const inbound = Promise.withResolvers<Stream>()
  await listener.handle(PROTOCOL, stream => inbound.resolve(stream))
  const connection = await dialler.dial(listener.listenAddrs())
  const a = await connection.newStream(PROTOCOL)
  // A stream may be there for the other end only with its first bytes.
  a.send(Uint8Array.of(0))
  const b = await inbound.promise
  await new Promise<void>(resolve => {
    const onMessage = (): void => {
      b.removeEventListener('message', onMessage)
      resolve()
    }
    b.addEventListener('message', onMessage)
  })
  return {
    a,
    b,
    end: async () => {
      await Promise.all([dialler.close(), listener.close()])
    }
  }
}

/** A session of messages between two tunnels, and the connections beneath. */
export async function sessions(): Promise<Pair<Session> & { readonly cut: () => void }> {
  const token = generateToken()
  const [dialler, listener] = await Promise.all([swarm(), swarm()])
  const reconnect = { first: 20, factor: 2, max: 200 }
  const server: Tunnel = createTunnel(listener, { token, reconnect })
  const nodes = listener
    .listenAddrs()
    .map(each => each.encapsulate(`/p2p/${listener.peerId.toString()}`))
  const client: Tunnel = createTunnel(dialler, { token, reconnect, nodes })
  const sessions = await server.listen('links')
  await client.connect()
  const a = await client.dial('links')
  const b = await sessions.accept()
  return {
    a,
    b,
    cut: () => {
      for (const connection of dialler.connections()) connection.abort(new Error('cut'))
    },
    end: async () => {
      await Promise.all([client.close(), server.close()])
      await Promise.all([dialler.close(), listener.close()])
    }
  }
}

async function swarm(): Promise<Swarm> {
  return createSwarm({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] }
  })
}
