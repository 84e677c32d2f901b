import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type * as warrenNoise from '../src/index.ts'
import { testPeer, type Maker, type TestPeer } from './support/peers.ts'
import { closePair, securedPair } from './support/secured.ts'
import { inbox, pattern, seeded, sendAll } from './support/traffic.ts'
import { cut, wire } from './support/wire.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

describe('in a browser', () => {
  let folder: string
  let inBrowser: TestPeer
  let bundle: typeof warrenNoise

  before(async function () {
    this.timeout(10_000)
    // Beside this file, so that the bundle's names are looked up as the package's own are.
    folder = await mkdtemp(join(here, 'bundle-'))
    const { outputFiles, metafile } = await build({
      entryPoints: [join(here, '..', 'src', 'index.js')],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent'
    })
    const inputs = Object.keys(metafile.inputs)
    assert.ok(inputs.some(input => input.endsWith('platform/crypto.browser.js')))
    assert.ok(!inputs.some(input => input.endsWith('platform/crypto.js')))
    const outside = Object.values(metafile.outputs).flatMap(output => output.imports)
    assert.deepEqual(outside, [], 'nothing of Node is left in it')
    const file = join(folder, 'noise.js')
    await writeFile(file, outputFiles[0]?.contents ?? new Uint8Array(0))
    bundle = (await import(pathToFileURL(file).href)) as typeof warrenNoise
    const peer = await testPeer()
    inBrowser = { ...peer, encrypter: bundle.noise()(peer) }
  })

  after(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  for (const maker of ['ours', '@chainsafe/libp2p-noise'] as const satisfies readonly Maker[]) {
    it(`the bundle and ${maker} read each other, both ways`, async () => {
      const other = await testPeer({ maker })
      const random = seeded(7)
      const data = pattern(300_000)
      for (const [dialler, listener] of [
        [inBrowser, other],
        [other, inBrowser]
      ] as const) {
        const ends = wire()
        for (const end of ends) {
          end.tamper = bytes => cut(bytes, () => 1 + Math.floor(random() * 90_000))
        }
        const pair = await securedPair(dialler, listener, {}, ends)
        const [up, down] = [inbox(pair.listener.connection), inbox(pair.dialler.connection)]
        await Promise.all([
          sendAll(
            pair.dialler.connection,
            cut(data, () => 100_000)
          ),
          sendAll(pair.listener.connection, [data]),
          up.has(data.byteLength),
          down.has(data.byteLength)
        ])
        assert.ok(Buffer.from(data).equals(up.bytes()))
        assert.ok(Buffer.from(data).equals(down.bytes()))
        await closePair(pair)
      }
    })
  }

  it('the bundle judges identities as Node does', async () => {
    const other = await testPeer()
    const stranger = await testPeer()
    const [outbound, inbound] = wire()
    other.encrypter.secureInbound(inbound).catch(() => {})
    await assert.rejects(
      inBrowser.encrypter.secureOutbound(outbound, { remotePeer: stranger.peerId }),
      { code: 'ERR_UNEXPECTED_PEER' }
    )
    outbound.abort(new Error('refused'))
  })

  it('the bundle and Node seal streams for each other', async () => {
    const [outbound, inbound] = wire()
    const node = await testPeer()
    const { sealInbound } = await import('../src/index.ts')
    const prologue = Uint8Array.of(1, 2, 3)
    const [near, far] = await Promise.all([
      bundle.sealOutbound(outbound, { privateKey: inBrowser.privateKey, prologue }),
      sealInbound(inbound, { privateKey: node.privateKey, prologue })
    ])
    const received = inbox(far.stream)
    near.stream.send(pattern(1_000))
    await near.stream.close()
    assert.equal((await received.closed).error, undefined)
    assert.ok(Buffer.from(pattern(1_000)).equals(received.bytes()))
  })
})
