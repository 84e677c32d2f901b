import assert from 'node:assert/strict'
import { bundle } from './support/bundle.ts'
import type { Bundle } from './support/bundle.ts'

/**
 * How much larger than stock js-libp2p ours may be. Swarm and upgrader are smaller than what they
 * replace, yamux is 10 kB larger, and Noise comes on top of the library whose handshake it uses:
 * 25 kB of records and checks beside 34 kB of library, of which most is other versions of packages
 * that are in the bundle already.
 */
const CEILING = { bytes: 1.08, gzipped: 1.13 }

describe('the bundle for the browser', () => {
  let ours: Bundle
  let stock: Bundle
  let successor: Bundle

  before(async () => {
    ours = await bundle('peers/warren.js')
    stock = await bundle('peers/stock.js')
    successor = await bundle('peers/stock.js', { '@chainsafe/libp2p-noise': '@libp2p/noise' })
    process.stdout.write(
      table({ Warren: ours, 'stock libp2p': stock, '  with @libp2p/noise': successor })
    )
  })

  it('imports nothing when it runs, of Node or else', () => {
    assert.deepEqual(ours.imports, [])
  })

  it('is of the size of stock js-libp2p, within the ceiling', () => {
    for (const size of ['bytes', 'gzipped'] as const) {
      const share = ours[size] / stock[size]
      assert.ok(share <= CEILING[size], `${size}: ${share.toFixed(3)} of stock's`)
    }
  })
})

/** Sizes side by side, and what is ours in ours. */
function table(bundles: Readonly<Record<string, Bundle>>): string {
  const number = (value: number): string => value.toLocaleString('en').padStart(10)
  const lines = Object.entries(bundles).map(
    ([name, { bytes, gzipped }]) => `      ${name.padEnd(22)}${number(bytes)}${number(gzipped)}\n`
  )
  const parts = [...(bundles['Warren']?.packages ?? [])]
    .filter(([name]) => name.startsWith('@warren/'))
    .map(([name, bytes]) => `${name.slice(8)} ${bytes.toLocaleString('en')}`)
  return `      ${'bytes of'.padEnd(22)}  minified   gzipped\n${lines.join('')}      of Warren's, its own: ${parts.join(', ')}\n`
}
