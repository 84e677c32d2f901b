import net from 'node:net'
import type { Connection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Peer } from './peer.ts'
import { never } from './pair.ts'

const transport = tcp()({ logger: defaultLogger() })

export interface TestListener {
  /** Its address, with the peer's id. */
  readonly addr: Multiaddr
  readonly port: number
  close(): Promise<void>
}

/** A listener on loopback whose sockets go to `upgrader`. */
export async function listenTcp(
  peer: Peer,
  upgrader: Upgrader = peer.upgrader
): Promise<TestListener> {
  const listener = transport.createListener({ upgrader })
  await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
  const [addr] = listener.getAddrs()
  const port = Number(addr?.getComponents()[1]?.value)
  return {
    addr: multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${peer.id.toString()}`),
    port,
    close: async () => listener.close()
  }
}

export async function dialTcp(peer: Peer, addr: Multiaddr): Promise<Connection> {
  return transport.dial(addr, { upgrader: peer.upgrader, signal: never() })
}

/** A server that accepts and then does what `onSocket` says; nothing, by default. */
export async function rawServer(
  onSocket: (socket: net.Socket) => void = () => {}
): Promise<{ addr: Multiaddr; close(): Promise<void> }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as net.AddressInfo
  return {
    addr: multiaddr(`/ip4/127.0.0.1/tcp/${address.port}`),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** A client socket; its errors are swallowed, as a dead peer's are. */
export function rawClient(port: number): net.Socket {
  return net.connect(port, '127.0.0.1').on('error', () => {})
}

/** TCP sockets that are open in this process, listening ones not counted. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
}

/** Resolves when `condition` holds; the test's own deadline bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 2))
}
