import { connect } from '@nats-io/transport-node'
import type { ValuePeer } from './value-peer.ts'

/** Values between two flushes, by which a publisher waits for the server. */
const BATCH = 1_000

/** nats.js with a JSON text in each message, by way of a `nats-server`. */
export const nats: ValuePeer = {
  async receive(address, onValue) {
    const connection = await connect({ servers: `127.0.0.1:${address}` })
    connection.subscribe('values', { callback: (_error, message) => onValue(message.json()) })
    await connection.flush()
    return String(address)
  },
  async connect(address) {
    const connection = await connect({ servers: `127.0.0.1:${address}` })
    let sent = 0
    return value => {
      connection.publish('values', JSON.stringify(value))
      return ++sent % BATCH === 0 ? connection.flush() : undefined
    }
  }
}
