import assert from 'node:assert/strict'
import { Network, range, sample } from './network.ts'

/** Sizes of the networks with a DHT; `WARREN_SCALE=10,100,1000` for the whole bar. */
const SIZES = (process.env['WARREN_SCALE'] ?? '10,20,32').split(',').map(Number)
/** Those by links alone; `WARREN_SCALE_LINKS=10,100` for the whole bar. */
const MESHES = (process.env['WARREN_SCALE_LINKS'] ?? '10,30').split(',').map(Number)
/**
 * Milliseconds in which the traffic of an idle network is counted, such as `WARREN_SCALE_IDLE=60000`; in
 * less than a round of upkeep there is little to see, so it is not counted by default.
 */
const IDLE = Number(process.env['WARREN_SCALE_IDLE'] ?? 0)
/** Dials in each network, or one of each channel where there are more. */
const DIALS = 60
/** Messages per lookup may be so many times the binary logarithm of the size. */
const PER_DOUBLING = 1.5

interface Figures {
  readonly network: string
  readonly links: number
  readonly connections: number
  readonly lookup: number
  readonly most: number
  readonly store: number
  readonly joining: number
  readonly idle?: number
}

/** Makes a network, dials across it, and counts. */
async function measure(by: 'links' | 'dht', size: number): Promise<Figures> {
  const network = await Network.create({ size, by })
  try {
    await network.join()
    const [joining, links] = [network.controlBytes / size, network.links / size]
    const before = network.lookupMessages
    await network.listen()
    const store = (network.lookupMessages - before) / size
    const lookups: number[] = []
    const dials = size > DIALS ? range(size) : range(DIALS).map(i => i % size)
    for (const to of dials) {
      const from = sample(2, size).find(other => other !== to) ?? 0
      const asked = network.lookupMessages
      assert.equal(await network.exchange(from, to), network.peer(to), `channel ${to}`)
      lookups.push(network.lookupMessages - asked)
    }
    return {
      network: `${by} ${size}`,
      links,
      connections: network.connections / size,
      lookup: lookups.reduce((sum, count) => sum + count, 0) / lookups.length,
      most: Math.max(...lookups),
      store,
      joining,
      ...(IDLE > 0 ? { idle: await network.idleBytes(IDLE) } : {})
    }
  } finally {
    await network.close()
  }
}

function print(figures: Figures): void {
  const columns = Object.entries(figures).map(([name, value]) =>
    typeof value === 'number' ? `${name} ${value.toFixed(value < 100 ? 1 : 0)}` : value
  )
  process.stdout.write(`      ${columns.join(', ')}\n`)
}

describe('tunnels in one process', function () {
  this.timeout(3_600_000)

  for (const size of MESHES) {
    it(`${size} by links alone, all with all: every dial reaches its peer without a lookup`, async () => {
      const figures = await measure('links', size)
      print(figures)
      assert.equal(figures.lookup, 0)
    })
  }

  for (const size of SIZES) {
    it(`${size} with a DHT, 8 neighbours each: every channel is found, by messages in proportion to log n at most`, async () => {
      const figures = await measure('dht', size)
      print(figures)
      const allowed = PER_DOUBLING * Math.log2(size)
      assert.ok(figures.lookup <= allowed, `${figures.lookup} messages, ${allowed} allowed`)
    })
  }
})
