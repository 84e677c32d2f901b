// The receiving end of `udp-speed.ts`, in a process of its own: tells its address, then, when asked,
// how many bytes have arrived.
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { netstack } from '@warren/transport-netstack'

let bytes = 0
const upgradeInbound = async (connection: MultiaddrConnection): Promise<void> => {
  connection.addEventListener('message', ({ data }) => (bytes += data.byteLength))
}
const listener = netstack({ offload: process.argv[2] === 'offload' })({
  logger: defaultLogger()
}).createListener({ upgrader: { upgradeInbound } as unknown as Upgrader })
await listener.listen(multiaddr('/ip4/127.0.0.1/udp/0/netstack'))
process.on('message', () => process.send?.({ bytes }))
process.on('disconnect', () => process.exit())
process.send?.({ address: String(listener.getAddrs()[0]) })
