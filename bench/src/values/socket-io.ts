import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import type { ValuePeer } from './value-peer.ts'

/** Packets that wait in the client before it is given time; it knows no back-pressure of its own. */
const BEHIND = 1_000

/** Milliseconds that no run lasts. */
const QUIET = 3_600_000

/** socket.io over WebSocket, with its default parser (JSON). */
export const socketIo: ValuePeer = {
  async receive(_address, onValue) {
    const http = createServer()
    const server = new Server(http, {
      transports: ['websocket'],
      perMessageDeflate: false,
      // Its heartbeat takes a connection that is flooded for a dead one.
      pingInterval: QUIET,
      pingTimeout: QUIET
    })
    server.on('connection', socket => socket.on('value', onValue))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return String((http.address() as AddressInfo).port)
  },
  async connect(address) {
    const socket = io(`http://127.0.0.1:${address}`, { transports: ['websocket'] })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    const { engine } = socket.io
    socket.on('disconnect', reason => {
      throw new Error(`socket.io lost its connection: ${reason}`)
    })
    return value => {
      socket.emit('value', value)
      if (engine.writeBuffer.length < BEHIND) return undefined
      return new Promise(resolve => void engine.once('drain', resolve))
    }
  }
}
