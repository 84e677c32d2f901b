import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { yamux } from '@warren/yamux'

/** What a WebSocket server adds to the key that it is sent (RFC 6455 section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** First bytes of frames that are whole (RFC 6455 section 5.2). */
const BINARY = 0x82
const CLOSE = 0x88

describe('an upgrade over WebSocket that fails', () => {
  it('lets go of the socket', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const sockets: Duplex[] = []
    const server = createServer().on('upgrade', (request, socket) => {
      const key = request.headers['sec-websocket-key'] ?? ''
      const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
      )
      sockets.push(socket)
      socket.on('close', () => resolve())
      socket.on('error', () => {})
      socket.once('data', () => {
        // Two bytes in a binary frame that are no multistream-select. Then all that this peer does
        // is what every WebSocket does when it is told of the end: it ends too.
        socket.write(Uint8Array.of(BINARY, 2, 1, 0xff))
        socket.on('data', ([first]: Buffer) => {
          if (first === CLOSE) socket.end(Uint8Array.of(CLOSE, 0))
        })
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const swarm = await createSwarm({
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    try {
      const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`)
      await assert.rejects(swarm.dial(address), { code: 'ERR_DIAL' })
      await ended
    } finally {
      await swarm.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }).timeout(15_000)
})
