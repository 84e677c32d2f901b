import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { ValuePeer } from './value-peer.ts'

/** Bytes that wait in the client before it waits for them. */
const BEHIND = 1_048_576

/** `ws` with a JSON text in each message. */
export const wsJson: ValuePeer = {
  async receive(_address, onValue) {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    server.on('connection', socket => {
      socket.on('message', (data: Buffer) => onValue(JSON.parse(data.toString())))
    })
    await once(server, 'listening')
    return String((server.address() as AddressInfo).port)
  },
  async connect(address) {
    const socket = new WebSocket(`ws://127.0.0.1:${address}`, { perMessageDeflate: false })
    await once(socket, 'open')
    return value => {
      const text = JSON.stringify(value)
      if (socket.bufferedAmount < BEHIND) {
        socket.send(text)
        return undefined
      }
      return new Promise((resolve, reject) => {
        socket.send(text, error =>
          error === undefined || error === null ? resolve() : reject(error)
        )
      })
    }
  }
}
