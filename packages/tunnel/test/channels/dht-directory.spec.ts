import assert from 'node:assert/strict'
import { generateToken } from '../../src/index.ts'
import { DhtDirectory, dhtDirectory } from '../../src/channels/dht-directory.ts'
import type { DhtDirectoryOptions } from '../../src/channels/dht-directory.ts'
import {
  afterwards,
  cleanUp,
  linked,
  message,
  nodeOn,
  once,
  swarmNode,
  textOf,
  until
} from '../support/nodes.ts'
import type { Node, NodeOptions } from '../support/nodes.ts'
import { ProviderBook } from '../support/provider-book.ts'

/** A node whose directory is the book. */
async function booked(
  book: ProviderBook,
  options: NodeOptions = {},
  directory: Partial<DhtDirectoryOptions> = {}
): Promise<Node> {
  const swarm = await swarmNode(options)
  const dht = dhtDirectory({ contentRouting: book.of(swarm), ...directory })
  return nodeOn(swarm, { directories: [dht], ...options })
}

const count = (book: ProviderBook, what: string): number =>
  book.calls.filter(([each]) => each === what).length

describe('a DHT as directory', () => {
  afterEach(cleanUp)

  it('leads a dial to a peer that it is not linked to, and the link ends when it is of no use', async () => {
    const book = new ProviderBook()
    const far = await booked(book)
    const near = await booked(book, { idleLinkTimeout: 50, probeInterval: 20 })
    const listener = await far.tunnel.listen('orders')
    await until(() => book.records.size === 1, 'it is provided')
    const session = await near.tunnel.dial('orders')
    await session.send(message('two coffees'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'two coffees')
    await new Promise(resolve => setTimeout(resolve, 150))
    assert.equal(near.tunnel.links().length, 1, 'a session keeps it')
    await session.close()
    await until(() => near.tunnel.links().length === 0, 'the link has ended')
    // The second dial finds it again.
    await (await near.tunnel.dial('orders')).close()
  })

  it('tells names to nobody: its keys are those of the network, and the same at all its nodes', async () => {
    const book = new ProviderBook()
    const [ours, alike, others] = await Promise.all([
      booked(book),
      booked(book),
      booked(book, { token: generateToken() })
    ])
    await Promise.all([ours, alike, others].map(({ tunnel }) => tunnel.listen('orders')))
    await until(() => count(book, 'provide') === 3, 'all have provided')
    const sizes = [...book.records.values()].map(record => record.size)
    assert.deepEqual(
      sizes.toSorted((a, b) => a - b),
      [1, 2]
    )
    assert.ok(![...book.records.keys()].some(key => key.includes('orders')))
  })

  it('provides under both tokens while one replaces the other, and under none without a token', async () => {
    const book = new ProviderBook()
    const [old, fresh] = [generateToken(), generateToken()]
    const sharer = await booked(book, { token: old })
    const listener = await sharer.tunnel.listen('orders')
    await until(() => book.records.size === 1, 'under the old one')
    sharer.tunnel.setTokens([fresh, old])
    await until(() => book.records.size === 2, 'under both')
    const dialler = await booked(book, { token: fresh })
    await dialler.tunnel.dial('orders')
    await listener.accept()

    const before = book.calls.length
    const ticketsOnly = await booked(book, { tickets: [], ticketKey: new Uint8Array(32).fill(1) })
    await ticketsOnly.tunnel.listen('private')
    await assert.rejects(ticketsOnly.tunnel.dial('other', { wait: false }), { code: 'ERR_NO_LINK' })
    assert.equal(book.calls.length, before)
  })

  it('a dial that does not wait fails once the directory has said all it knows, and not before', async () => {
    const book = new ProviderBook()
    const far = await booked(book)
    const near = await booked(book)
    await assert.rejects(near.tunnel.dial('orders', { wait: false }), { code: 'ERR_NO_LINK' })
    assert.equal(count(book, 'find'), 1)
    await far.tunnel.listen('orders')
    await until(() => book.records.size === 1, 'it is provided')
    await (await near.tunnel.dial('orders', { wait: false })).close()
  })

  it('a dial that waits looks again, and finds who comes later', async () => {
    const book = new ProviderBook()
    const [near, far] = await Promise.all([booked(book), booked(book)])
    const dialled = near.tunnel.dial('orders')
    await until(() => count(book, 'find') === 1, 'it has looked in vain')
    await far.tunnel.listen('orders')
    await (await dialled).close()
    assert.ok(count(book, 'find') >= 2)
  })

  it('a provider that is not one of the network, or is gone, is no provider', async () => {
    const book = new ProviderBook()
    const [near, far, liar] = await Promise.all([
      booked(book),
      booked(book),
      booked(book, { token: generateToken() })
    ])
    await far.tunnel.listen('orders')
    await until(() => book.records.size === 1, 'it is provided')
    const [record] = book.records.values()
    record?.set(liar.peer, { id: liar.swarm.peerId, multiaddrs: liar.swarm.listenAddrs() })
    const gone = await swarmNode()
    record?.set('gone', { id: gone.peerId, multiaddrs: gone.listenAddrs() })
    await gone.close()
    await (await near.tunnel.dial('orders')).close()
    assert.deepEqual(
      near.tunnel.links().map(({ peer }) => peer),
      [far.peer]
    )
  })

  it('provides again and again, tries again what failed, and ends with its listener', async () => {
    const swarm = await swarmNode()
    const book = new ProviderBook()
    book.failures = 1
    const errors: Error[] = []
    const directory = new DhtDirectory(
      {
        contentRouting: book.of(swarm),
        provideInterval: 64,
        onError: error => errors.push(error)
      },
      () => 0
    )
    afterwards(async () => directory.close())
    directory.setKeys([new Uint8Array(32)])
    directory.announce('orders', true)
    await until(() => count(book, 'provide') >= 5, 'it is provided again')
    assert.deepEqual(errors.map(String), ['Error: nobody takes the record'])
    directory.announce('orders', false)
    assert.equal(count(book, 'cancel'), 1)
    const before = count(book, 'provide')
    await new Promise(resolve => setTimeout(resolve, 150))
    assert.equal(count(book, 'provide'), before)
  })

  it('refuses options that cannot be meant', async () => {
    const swarm = await swarmNode()
    const contentRouting = new ProviderBook().of(swarm)
    for (const options of [{ contentRouting, provideInterval: 0 }, {}]) {
      assert.throws(() => dhtDirectory(options as DhtDirectoryOptions), {
        code: 'ERR_TUNNEL_OPTION'
      })
    }
  })
})

describe('a tunnel that links to nodes only', () => {
  afterEach(cleanUp)

  it('leaves alone whom its swarm dials for other reasons', async () => {
    const far = nodeOn(await swarmNode())
    const near = nodeOn(await swarmNode(), { linkConnections: false })
    await near.tunnel.connect()
    const [address] = far.swarm.listenAddrs()
    assert.ok(address)
    await near.swarm.dial(address.encapsulate(`/p2p/${far.peer}`))
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.deepEqual([near.tunnel.links(), far.tunnel.links()], [[], []])
    const link = once(near.tunnel, 'link')
    near.tunnel.setNodes([far.swarm.peerId])
    await link
    await linked(near, far)
  })
})
