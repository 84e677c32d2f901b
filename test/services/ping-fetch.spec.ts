import assert from 'node:assert/strict'
import { fetch } from '@libp2p/fetch'
import { BASIC, addressOf, cleanUp, hosted, stock } from './support/nodes.ts'

describe('ping, hosted', () => {
  afterEach(cleanUp)

  it('asks stock libp2p and answers it', async () => {
    const [ours, theirs] = [await hosted(BASIC), await stock(BASIC)]
    assert.ok((await ours.services.ping.ping(addressOf(theirs))) >= 0)
    assert.ok((await theirs.services.ping.ping(ours.peerId)) >= 0)
    assert.ok((await ours.services.ping.ping(theirs.peerId)) >= 0)
  })
})

describe('fetch, hosted', () => {
  afterEach(cleanUp)

  const services = { ...BASIC, fetch: fetch() }
  const bytes = (text: string) => new TextEncoder().encode(text)
  const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

  it('gets values of stock libp2p and gives it ours', async () => {
    const [ours, theirs] = [await hosted(services), await stock(services)]
    for (const [name, node] of [
      ['ours', ours],
      ['theirs', theirs]
    ] as const) {
      node.services.fetch.registerLookupFunction('/test', async key =>
        text(key) === '/test/none' ? undefined : bytes(`${name} ${text(key)}`)
      )
    }
    const got = await ours.services.fetch.fetch(addressOf(theirs), '/test/a')
    assert.equal(text(got), 'theirs /test/a')
    assert.equal(text(await theirs.services.fetch.fetch(ours.peerId, '/test/b')), 'ours /test/b')
    assert.equal(await ours.services.fetch.fetch(theirs.peerId, '/test/none'), undefined)
    assert.equal(await theirs.services.fetch.fetch(ours.peerId, '/test/none'), undefined)
    await assert.rejects(theirs.services.fetch.fetch(ours.peerId, '/nobody/serves'), {
      name: 'ProtocolError'
    })
  })
})
