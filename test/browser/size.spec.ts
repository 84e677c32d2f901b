import assert from 'node:assert/strict'
import { bundle } from './support/bundle.ts'
import type { Bundle } from './support/bundle.ts'

/**
 * How large ours may be, by stock js-libp2p as most programs have it, with `@chainsafe/libp2p-noise`,
 * and by its successor, with the same Noise under its new name, whose handshake we use too. Beside
 * the latter, swarm and upgrader (94 kB) take the place of libp2p and parts of its utils (92 kB),
 * yamux is 10 kB larger, and Noise's records and checks are 25 kB on top of the library.
 */
const CEILINGS = {
  stock: { bytes: 1, gzipped: 1.04 },
  successor: { bytes: 1.08, gzipped: 1.13 }
}

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

  it('is of the size of stock js-libp2p, within the ceilings', () => {
    for (const [name, other] of Object.entries({ stock, successor })) {
      const ceiling = CEILINGS[name as keyof typeof CEILINGS]
      for (const size of ['bytes', 'gzipped'] as const) {
        const share = ours[size] / other[size]
        assert.ok(share <= ceiling[size], `${size}: ${share.toFixed(3)} of ${name}`)
      }
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
