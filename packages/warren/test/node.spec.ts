import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'uqr'
import { describeFailure } from '../src/cli/describe-failure.ts'
import { qrCode } from '../src/cli/qr.ts'
import { createNode } from '../src/index.ts'
import type { NodeOptions, WarrenNode } from '../src/index.ts'
import { bestFirst } from '../src/node/addresses.ts'
import { makeName } from '../src/state/names.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']

describe('createNode', () => {
  let server: Server
  let target: number
  let nodes: WarrenNode[] = []
  before(async () => {
    server = createServer((_request, response) => response.end('hello\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    target = (server.address() as AddressInfo).port
  })
  afterEach(async () => {
    await Promise.all(nodes.map(node => node.close()))
    nodes = []
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  const make = async (options: NodeOptions): Promise<WarrenNode> => {
    const node = await createNode(options)
    nodes.push(node)
    return node
  }
  const get = async (url: string): Promise<string> =>
    (await fetch(url, { headers: { connection: 'close' } })).text()

  it('shares and opens by ticket, in memory', async () => {
    const here = await make({ listen: LISTEN })
    const shared = await here.share({ target, name: 'web' })
    const there = await make({ listen: [] })
    const { text } = await here.ticket({ channel: 'web' })
    const web = await there.open({ ticket: text })
    assert.equal(await get(web.url), 'hello\n')
    assert.deepEqual([shared.stats().total, web.stats().total], [1, 1])
    const { links, openings, sessions } = there.status()
    assert.equal(openings[0]?.address, web.address)
    assert.equal(links[0]?.peer, here.peerId)
    assert.equal(links[0]?.ticket, true)
    assert.equal(sessions.resumed, 0)
    assert.deepEqual(here.identity, 'ephemeral')
    assert.ok((await there.ping(here.peerId)) > 0)
    assert.ok((await there.ping(text)) > 0)
  })

  it('opens by the token of the network, from any peer that shares the channel', async () => {
    const { generateToken } = await import('@warren/tunnel')
    const token = generateToken()
    const here = await make({ listen: LISTEN, token })
    await here.share({ target, name: 'web' })
    const there = await make({ listen: [], token, peers: here.addresses() })
    const web = await there.open({ channel: 'web' })
    assert.equal(await get(web.url), 'hello\n')
    assert.equal(there.status().links[0]?.ticket, false)
  })

  it('tells a holder that its ticket was taken back, and ends what stands on it', async () => {
    const here = await make({ listen: LISTEN })
    await here.share({ target, name: 'web' })
    const ticket = await here.ticket({ channel: 'web' })
    const there = await make({ listen: [] })
    await there.open({ ticket: ticket.text })
    const refused = new Promise<Error>(resolve => {
      there.on('link-error', (error, fatal) => fatal && resolve(error))
    })
    await here.revoke(ticket.id, ticket.expires)
    assert.equal(((await refused) as Error & { code: string }).code, 'ERR_TICKET_REVOKED')
    const late = await make({ listen: [] })
    await assert.rejects(late.open({ ticket: ticket.text }), { code: 'ERR_TICKET_REVOKED' })
  })

  it('gives a ticket back with the last opening by it', async () => {
    const here = await make({ listen: LISTEN })
    await here.share({ target, name: 'web' })
    const { text } = await here.ticket({ channel: 'web' })
    const there = await make({ listen: [] })
    const [first, second] = [await there.open({ ticket: text }), await there.open({ ticket: text })]
    await first.close()
    assert.equal(await get(second.url), 'hello\n')
    const unlinked = new Promise(resolve => there.on('unlink', resolve))
    await second.close()
    await unlinked
    assert.deepEqual(there.status().links, [])
    // More than a tunnel holds at once.
    for (let n = 0; n < 70; n++) {
      const one = await here.ticket({ channel: `none-${n}` })
      await assert.rejects(there.open({ ticket: one.text, signal: AbortSignal.timeout(1) }))
    }
    const again = await there.open({ ticket: text })
    assert.equal(await get(again.url), 'hello\n')
  })

  it('is not refused by a new ticket because an old one was', async () => {
    const here = await make({ listen: LISTEN })
    await here.share({ target, name: 'web' })
    const there = await make({ listen: [] })
    const old = await here.ticket({ channel: 'web' })
    await here.revoke(old.id, old.expires)
    await assert.rejects(there.open({ ticket: old.text }), { code: 'ERR_TICKET_REVOKED' })
    const { text } = await here.ticket({ channel: 'web' })
    assert.equal(await get((await there.open({ ticket: text })).url), 'hello\n')
  })

  it('keeps identity and port in its home, and gives both back when it is closed', async () => {
    const home = await mkdtemp(join(tmpdir(), 'warren-node-'))
    try {
      const first = await make({ home })
      const second = await make({ home })
      assert.deepEqual([first.identity, second.identity], ['kept', 'ephemeral'])
      assert.equal(second.identityHeldBy, process.pid)
      const addresses = first.addresses()
      await first.close()
      const third = await make({ home })
      assert.deepEqual(third.addresses(), addresses)
      assert.deepEqual((await readdir(join(home, 'identity.lock'))).length, 1)
      await third.close()
      assert.deepEqual(await readdir(join(home, 'identity.lock')), [])
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  })

  it('stops opening when it is told to, and when it is closed', async () => {
    const gone = await make({ listen: LISTEN })
    const { text } = await gone.ticket({ channel: 'web' })
    await gone.close()
    const there = await make({ listen: [] })
    const reason = new Error('enough')
    await assert.rejects(there.open({ ticket: text, signal: AbortSignal.abort(reason) }), reason)
    const opening = there.open({ ticket: text })
    opening.catch(() => {})
    await there.close()
    await assert.rejects(opening, { code: 'ERR_NODE_CLOSED' })
    await assert.rejects(there.open({ ticket: text }), { code: 'ERR_NODE_CLOSED' })
    await there.close()
  })

  it('says which option it cannot use, and opens nothing', async () => {
    await assert.rejects(createNode({ listen: ['127.0.0.1:80'] }), {
      code: 'ERR_NODE_OPTIONS',
      message: /"127\.0\.0\.1:80" is not a multiaddr/
    })
    await assert.rejects(createNode({ identity: 'kept' }), { code: 'ERR_NODE_OPTIONS' })
    await assert.rejects(createNode({ tickets: ['warren:x'] }), { code: 'ERR_INVALID_TICKET' })
    await assert.rejects(createNode({ token: 'hunter2' }), { code: 'ERR_INVALID_TOKEN' })
  })
})

describe('addresses of a ticket', () => {
  it('begin with those of networks and end with loopback', () => {
    const given = [
      '/ip4/127.0.0.1/tcp/1',
      '/ip6/::1/tcp/1',
      '/ip6/fe80::1/tcp/1',
      '/ip6/fd00::2/tcp/1',
      '/ip4/172.17.0.1/tcp/1',
      '/ip6/2001:db8::1/tcp/1',
      '/ip4/192.168.1.9/tcp/1'
    ]
    assert.deepEqual(bestFirst(given.map(a => multiaddr(a))).map(String), [
      '/ip4/192.168.1.9/tcp/1',
      '/ip6/2001:db8::1/tcp/1',
      '/ip6/fd00::2/tcp/1',
      '/ip4/172.17.0.1/tcp/1',
      '/ip4/127.0.0.1/tcp/1',
      '/ip6/::1/tcp/1'
    ])
  })
})

describe('names', () => {
  it('are two words, each as likely as another', () => {
    assert.equal(
      makeName(() => 0),
      'amber-adder'
    )
    assert.equal(
      makeName(() => 0.999_999),
      'witty-weasel'
    )
  })
})

describe('the report of a dial', () => {
  it('is said in short: reasons, and where', () => {
    const coded = (code: string, cause?: unknown): Error =>
      Object.assign(new Error(`${code} in full`, { cause }), { code })
    const dial = Object.assign(coded('ERR_DIAL'), {
      attempts: [
        { address: '/ip4/10.0.0.1/tcp/1/p2p/12D3', error: coded('ERR_X', coded('ECONNREFUSED')) },
        { address: '/ip6/::1/tcp/2', error: coded('ECONNREFUSED') },
        { address: '/dns4/a.example/tcp/3', error: coded('ERR_DIAL_TIMEOUT') },
        { address: '/ip4/10.0.0.2/tcp/4', step: 'identity', error: coded('ERR_UPGRADE') },
        { address: '/ip4/10.0.0.3/udp/5', error: new Error('odd') }
      ]
    })
    const short =
      'connection refused at 10.0.0.1:1 and [::1]:2; no answer at a.example:3; ' +
      'another peer is there at 10.0.0.2:4; odd at /ip4/10.0.0.3/udp/5'
    assert.equal(describeFailure(dial), `cannot reach the peer: ${short}`)
    assert.equal(describeFailure(new Error('no link', { cause: dial })), `no link: ${short}`)
    assert.equal(describeFailure(new Error('a', { cause: new Error('b') })), 'a: b')
  })
})

describe('QR code of a ticket', () => {
  const TICKET = 'warren:abcdefghijklmnopqrstuvwxyz234567'

  it('holds the ticket in capitals, black on white, with its quiet zone', async () => {
    const picture = await qrCode(TICKET, 80)
    const { data, size } = encode(TICKET.toUpperCase(), { border: 2 })
    // Half blocks: two modules above each other in one character; a light one is printed.
    const light = (picture ?? '')
      .split('\n')
      .flatMap(line => [
        line.split('').map(c => c === '█' || c === '▀'),
        line.split('').map(c => c === '█' || c === '▄')
      ])
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) assert.equal(light[y]?.[x], !data[y]?.[x], `${x},${y}`)
    }
  })

  it('is left out where the terminal is too narrow', async () => {
    assert.equal(await qrCode(TICKET, 20), undefined)
  })
})
