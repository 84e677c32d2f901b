import assert from 'node:assert/strict'
import type { JSHandle } from 'playwright-core'
import { ECHO, HASH } from '../interop/nodes.ts'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'
import type { Actions } from './page/actions.ts'
import { bundle } from './support/bundle.ts'
import { NO_CHROMIUM, openBrowser } from './support/chromium.ts'
import type { BrowserPage } from './support/chromium.ts'
import { stockNode, warrenNode } from './support/nodes.ts'
import type { NodePeer } from './support/nodes.ts'

const MiB = 1024 * 1024

/** Has the peer that was measured made in the page, beside the `process` that many bundlers leave. */
const PAGE = `<!doctype html>
<title>a peer</title>
<script>globalThis.process = { env: {} }</script>
<script type="module">
  import * as warren from '/warren.js'
  import { openPeer } from '/actions.js'
  globalThis.openPeer = () => openPeer(warren)
</script>`

/** Nobody's: a peer id that no key here belongs to. */
const STRANGER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

describe('a peer in Chromium', () => {
  let browser: BrowserPage | undefined

  before(async () => {
    if (NO_CHROMIUM !== undefined) return
    const [ours, page] = [await bundle('peers/warren.js'), await bundle('page/actions.js')]
    browser = await openBrowser({
      '/': PAGE,
      '/warren.js': ours.code,
      '/actions.js': page.code
    })
  })
  after(async () => {
    await browser?.close()
  })

  for (const [name, create] of [
    ['a Warren swarm', warrenNode],
    ['a stock js-libp2p node', stockNode]
  ] as const) {
    describe(`and ${name} on Node`, () => {
      let node: NodePeer
      let peer: JSHandle<Actions>

      beforeEach(async function () {
        if (browser === undefined) return skip(this, NO_CHROMIUM ?? 'no browser')
        node = await create()
        peer = await browser.page.evaluateHandle(async () =>
          (globalThis as unknown as { openPeer(): Promise<Actions> }).openPeer()
        )
      })

      afterEach(async () => {
        if (browser === undefined) return
        const { openSockets, uncaught } = browser
        try {
          await peer.evaluate(async it => it.close())
          await until(() => openSockets() === 0, 'no WebSocket of the page is open', 5_000)
          await until(() => node.connected().length === 0, 'the node has seen the end', 5_000)
          assert.deepEqual(uncaught, [])
        } finally {
          await node.close()
          await peer.dispose()
        }
      })

      it('dials it over WebSocket, Noise and yamux, and each knows the other', async () => {
        const reached = await peer.evaluate(async (it, address) => it.dial(address), node.address)
        assert.deepEqual(reached, {
          peer: node.id,
          encryption: '/noise',
          multiplexer: '/yamux/1.0.0',
          direction: 'outbound',
          status: 'open'
        })
        const id = await peer.evaluate(it => it.id)
        assert.notEqual(id, node.id)
        await until(() => node.connected().includes(id), 'the node knows the browser', 5_000)
      })

      it('pings it and learns from identify what it is', async () => {
        const ms = await peer.evaluate(async (it, address) => it.ping(address), node.address)
        assert.ok(ms >= 0)
        const told = await peer.evaluate(async (it, id) => it.identify(id), node.id)
        assert.match(told.agentVersion ?? '', node.agent)
        assert.ok(told.protocols.includes(ECHO))
        assert.deepEqual(
          told.listenAddrs.map(address => `${address}/p2p/${node.id}`),
          [node.address]
        )
        assert.equal(told.signed, true)
      })

      it('gets 8 MiB back from its echo, by SHA-256', async () => {
        const { sent, received, bytes } = await peer.evaluate(
          async (it, [address, protocol, size]) => it.exchange(address, protocol, size),
          [node.address, ECHO, 8 * MiB] as const
        )
        assert.equal(bytes, 8 * MiB)
        assert.equal(received, sent)
      })

      it('is answered after it has ended its own direction', async () => {
        const { sent, answer } = await peer.evaluate(
          async (it, [address, protocol, size]) => it.exchange(address, protocol, size),
          [node.address, HASH, MiB] as const
        )
        assert.equal(answer, sent)
      })

      it('serves a protocol to it', async () => {
        await peer.evaluate(async (it, protocol) => it.serveEcho(protocol), ECHO)
        await peer.evaluate(async (it, address) => it.dial(address), node.address)
        const id = await peer.evaluate(it => it.id)
        await until(() => node.connected().includes(id), 'the node knows the browser', 5_000)
        await node.echoTo(id, MiB)
      })

      it('refuses it under the id of another', async () => {
        const wrong = node.address.replace(node.id, STRANGER)
        const failure = await peer.evaluate(async (it, address) => it.dialInVain(address), wrong)
        assert.equal(failure.code, 'ERR_DIAL')
        assert.deepEqual(failure.attempts, [{ step: 'identity', cause: 'ERR_UNEXPECTED_PEER' }])
        assert.deepEqual(await peer.evaluate(it => it.peers()), [])
      })

      it('says why it cannot be reached any more', async () => {
        await node.close()
        const failure = await peer.evaluate(
          async (it, address) => it.dialInVain(address),
          node.address
        )
        assert.equal(failure.code, 'ERR_DIAL')
        assert.ok(failure.message.includes(node.address), failure.message)
      })
    })
  }
})
