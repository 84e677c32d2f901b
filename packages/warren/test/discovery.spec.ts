import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateToken } from '@warren/tunnel'
import { createNode } from '../src/index.ts'
import type { NodeOptions, WarrenNode } from '../src/index.ts'

describe('nodes that find each other in the DHT', () => {
  const nodes: WarrenNode[] = []
  const server = createServer((_request, response) => response.end('found\n'))
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.close()))
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  const make = async (options: NodeOptions): Promise<WarrenNode> => {
    const node = await createNode({ listen: ['/ip4/127.0.0.1/tcp/0'], ...options })
    nodes.push(node)
    return node
  }

  it('open what a node shares whose address nobody has told them', async function () {
    this.timeout(30_000)
    const token = generateToken()
    const entry = await make({ token, dht: true })
    const peers = entry.addresses()
    const sharing = await make({ token, dht: true, peers })
    await sharing.share({ target: (server.address() as AddressInfo).port, name: 'web' })
    // One that nobody can dial takes part too.
    const opening = await make({ token, dht: true, peers, listen: [] })
    const web = await opening.open({ channel: 'web', timeout: 20_000 })
    assert.equal(await (await fetch(web.url)).text(), 'found\n')
    assert.ok(opening.status().links.some(({ peer }) => peer === sharing.peerId))
  })

  it('need the token of the network', async () => {
    for (const options of [{ dht: true }, { lan: true }]) {
      await assert.rejects(createNode({ listen: [], ...options }), { code: 'ERR_NODE_OPTIONS' })
    }
  })
})
