import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { TUNNEL_PROTOCOL } from '../../src/links/link-broker.ts'
import { addressOf, afterwards, cleanUp, node, swarmNode, until } from '../support/nodes.ts'

describe('regressions of go-micro tunnel', () => {
  afterEach(cleanUp)

  it('R14: 20 garbage connections, and 20 silent control streams, are freed by the deadline', async () => {
    const b = await node({ handshakeTimeout: 100, upgradeTimeout: 200 })
    await b.tunnel.connect()
    const [address] = b.swarm.listenAddrs()
    const port = Number(address?.getComponents().find(({ name }) => name === 'tcp')?.value)
    const sockets: Socket[] = []
    for (let i = 0; i < 20; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(Buffer.alloc(64, i * 13))
      sockets.push(socket)
    }
    afterwards(async () => sockets.forEach(socket => socket.destroy()))
    const rude = await swarmNode({ listen: false })
    const connection = await rude.dial(addressOf(b))
    const streams: Stream[] = []
    for (let i = 0; i < 20; i++) streams.push(await rude.newStream(connection, TUNNEL_PROTOCOL))
    await until(() => b.tunnel.debug().handshakes > 0, 'the proofs have begun')
    await until(() => streams.every(({ status }) => status !== 'open'), 'all streams are reset')
    await until(() => b.tunnel.debug().handshakes === 0, 'no proof is left')
    await Promise.all(
      sockets.map(
        socket =>
          new Promise<void>(resolve =>
            socket.closed ? resolve() : socket.once('close', () => resolve())
          )
      )
    )
    assert.equal(b.tunnel.debug().links, 0)
  })
})
