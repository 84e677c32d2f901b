import assert from 'node:assert/strict'
import { memory } from '@libp2p/memory'
import { tcp as stockTcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { tcp } from '@warren/transport-tcp'
import { ECHO, echo, echoByHash } from '../interop/nodes.ts'
import { until } from '../support/until.ts'
import {
  BASIC,
  LOOPBACK,
  addressOf,
  cleanUp,
  connectionsOf,
  hosted,
  stock
} from './support/nodes.ts'

const MiB = 1024 * 1024

/** Transports of js-libp2p on our swarm, each beside our TCP: the address decides. */
const FURTHER = [
  { name: 'WebSocket', transport: webSockets, listen: '/ip4/127.0.0.1/tcp/0/ws', part: '/ws' },
  { name: 'memory', transport: memory, listen: '/memory/warren-services', part: '/memory/' }
] as const

for (const { name, transport, listen, part } of FURTHER) {
  describe(`${name}, a further transport`, () => {
    afterEach(cleanUp)

    for (const dialler of ['we dial', 'we are dialled'] as const) {
      it(`carries echo of 8 MiB and ping with stock libp2p when ${dialler}`, async () => {
        const weListen = dialler === 'we are dialled'
        const ours = await hosted(BASIC, {
          transports: [tcp(), transport()],
          addresses: { listen: weListen ? [listen] : [LOOPBACK] }
        })
        const theirs = await stock(BASIC, {
          transports: [stockTcp(), transport()],
          addresses: { listen: weListen ? [LOOPBACK] : [listen] }
        })
        const [node, other] = weListen ? [theirs, ours] : [ours, theirs]
        await other.handle(ECHO, echo)
        const connection = await node.dial(addressOf(other))
        assert.ok(connection.remoteAddr.toString().includes(part), String(connection.remoteAddr))
        await echoByHash(await connection.newStream(ECHO), 8 * MiB)
        assert.ok((await node.services.ping.ping(other.peerId)) >= 0)
        assert.ok((await other.services.ping.ping(node.peerId)) >= 0)
        await connection.close()
        await until(() => connectionsOf(other, node.peerId).length === 0, 'it ends there', 5_000)
      })
    }
  })
}
