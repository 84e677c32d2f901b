// Forwards a port over stock js-libp2p, with back-pressure both ways by pause and drain.
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { answer } from '../harness/child.ts'

const PROTOCOL = '/forward/1.0.0'
const MANY = 1_000_000

async function node(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: MANY, maxOutboundStreams: MANY })],
    connectionMonitor: { enabled: false }
  })
}

function splice(socket: Socket, stream: Stream): void {
  socket.on('data', chunk => {
    if (stream.writeStatus === 'writable' && !stream.send(chunk)) socket.pause()
  })
  stream.addEventListener('drain', () => socket.resume())
  socket.on('end', () => {
    stream.close().catch(() => {})
  })
  socket.on('error', error => stream.abort(error))
  stream.addEventListener('message', ({ data }) => {
    if (socket.write(data.subarray())) return
    stream.pause()
    socket.once('drain', () => {
      if (stream.readStatus === 'paused') stream.resume()
    })
  })
  stream.addEventListener('remoteCloseWrite', () => socket.end())
  stream.addEventListener('close', event => {
    if (event.error === undefined) socket.end()
    else socket.destroy()
  })
}

answer({
  async share({ target }: { target: number }) {
    const host = await node(['/ip4/127.0.0.1/tcp/0'])
    await host.handle(
      PROTOCOL,
      stream => {
        stream.pause()
        const socket = net.connect(
          { port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true },
          () => stream.resume()
        )
        splice(socket, stream)
      },
      { maxInboundStreams: MANY }
    )
    return String(host.getMultiaddrs()[0])
  },
  async open({ address }: { address: string }) {
    const host = await node([])
    const connection = await host.dial(multiaddr(address))
    const server = net.createServer(
      { noDelay: true, allowHalfOpen: true, pauseOnConnect: true },
      socket => {
        connection.newStream(PROTOCOL, { maxOutboundStreams: MANY }).then(
          stream => {
            splice(socket, stream)
            socket.resume()
          },
          () => socket.destroy()
        )
      }
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
})
