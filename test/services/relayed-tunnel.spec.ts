import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNode } from 'warren'
import type { NodeOptions } from 'warren'
import { BASIC, addressOf, afterwards, cleanUp, stock } from './support/nodes.ts'

describe('a tunnel through the relay of stock js-libp2p', () => {
  afterEach(cleanUp)

  const node = async (options: NodeOptions) => {
    const made = await createNode(options)
    afterwards(() => made.close())
    return made
  }

  it('carries a download that is larger than what the relay lets through at once', async () => {
    const body = randomBytes(512 * 1024)
    const server = createServer((_request, response) => response.end(body))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    afterwards(async () => {
      server.close()
      server.closeAllConnections()
    })
    const relay = await stock({ ...BASIC, relay: circuitRelayServer() })
    const here = await node({ listen: [], relays: [String(addressOf(relay))] })
    assert.equal(here.status().relays[0]?.state, 'reserved')
    await here.share({ name: 'web', target: (server.address() as AddressInfo).port })
    const ticket = await here.ticket({ channel: 'web' })
    const there = await node({ listen: [] })
    const web = await there.open({ ticket: ticket.text })
    const link = there.status().links[0]
    assert.equal(link?.path, 'relayed')
    assert.ok((link?.limits?.bytes ?? 0) <= 128 * 1024)

    const fetched = new Uint8Array(await (await fetch(web.url)).arrayBuffer())
    const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
    assert.equal(hash(fetched), hash(body))
    assert.ok(there.status().sessions.resumed >= 4)
  })
})
