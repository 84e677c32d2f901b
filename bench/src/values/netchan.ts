import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { channel, createExporter, importFrom } from '@warren/netchan'
import * as v from 'valibot'
import type { ValuePeer } from './value-peer.ts'

const Order = v.object({
  id: v.number(),
  symbol: v.string(),
  side: v.picklist(['buy', 'sell']),
  price: v.number(),
  volume: v.number(),
  note: v.string()
})

/** Values, and their bytes, that may be under way: about what the others keep in their buffers. */
const WINDOW = { size: 4_096, windowBytes: 1_048_576 }

/** netchan over a TCP connection; checked by a schema at both ends, or not. */
export function netchan(schema: typeof Order | undefined): ValuePeer {
  const options = schema === undefined ? {} : { schema }
  return {
    async receive(_address, onValue) {
      const values = channel<unknown>()
      const exporter = createExporter()
      exporter.export('values', values, 'recv', {
        ...options,
        windowBytes: WINDOW.windowBytes
      } as object)
      const server = createServer(socket => void exporter.serveConn(socket))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      void (async () => {
        for await (const value of values) onValue(value)
      })()
      return String((server.address() as AddressInfo).port)
    },
    async connect(address) {
      const socket = connect(Number(address), '127.0.0.1')
      await once(socket, 'connect')
      const importer = await importFrom(socket)
      const values = await importer.import('values', 'send', { ...options, ...WINDOW } as object)
      return value => values.send(value as never)
    }
  }
}

export const ORDER = Order
