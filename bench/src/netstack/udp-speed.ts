import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Connection, MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { netstack } from '@warren/transport-netstack'
import { measured } from './kernel-process.ts'

const RECEIVER = fileURLToPath(new URL('./udp-end.js', import.meta.url))
const PIECE = 64 * 1024

/**
 * One connection of transport-netstack between two processes, over UDP on loopback, with neither
 * security nor muxer above it; Gbit/s.
 */
export async function udpThroughput(offload: boolean, seconds: number): Promise<number> {
  const receiver = fork(RECEIVER, offload ? ['offload'] : [])
  const [{ address }] = (await once(receiver, 'message')) as [{ address: string }]
  const connection = await connect(address, offload)
  const piece = new Uint8Array(PIECE).fill(0x5a)
  const write = (): void => {
    while (connection.status === 'open' && connection.send(piece));
  }
  connection.addEventListener('drain', write)
  write()
  const mbits = await measured(
    async () => {
      receiver.send('bytes')
      const [{ bytes }] = (await once(receiver, 'message')) as [{ bytes: number }]
      return bytes
    },
    seconds,
    1
  )
  connection.abort(new Error('measured'))
  receiver.disconnect()
  await once(receiver, 'exit')
  return mbits / 1000
}

/** A connection as it is before an upgrade. */
async function connect(address: string, offload: boolean): Promise<MultiaddrConnection> {
  const { promise, resolve } = Promise.withResolvers<MultiaddrConnection>()
  const upgrader = {
    upgradeOutbound: async (connection: MultiaddrConnection) => {
      resolve(connection)
      return connection as unknown as Connection
    }
  } as unknown as Upgrader
  const transport = netstack({ offload })({ logger: defaultLogger() })
  await transport.dial(multiaddr(address), { signal: AbortSignal.timeout(10_000), upgrader })
  return promise
}
