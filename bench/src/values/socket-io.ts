import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io } from 'socket.io-client'
import type { ValuePeer } from './value-peer.ts'

/** Bytes that wait in the client before it waits for them; socket.io knows no back-pressure itself. */
const BEHIND = 1_048_576

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
    socket.on('disconnect', reason => {
      throw new Error(`socket.io lost its connection: ${reason}`)
    })
    const { engine } = socket.io
    /** Of the WebSocket beneath, which its types do not show. */
    const waiting = (): number =>
      (engine.transport as unknown as { ws: { bufferedAmount: number } }).ws.bufferedAmount
    let sent = 0
    return value => {
      socket.emit('value', value)
      // Looking costs time, and is of use only after the turn in which packets leave.
      return ++sent % 256 === 0 ? room(() => waiting() < BEHIND) : undefined
    }
  }
}

/** Resolves after a turn of the event loop in which there is room. */
async function room(isThere: () => boolean): Promise<void> {
  do await new Promise(resolve => setImmediate(resolve))
  while (!isThere())
}
