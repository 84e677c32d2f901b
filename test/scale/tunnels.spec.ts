import assert from 'node:assert/strict'
import { Network, range, shuffled } from './network.ts'

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
  /** Links and connections of a node. */
  readonly links: number
  readonly connections: number
  /** Bytes that a node has sent until all were linked and knew their place in the DHT. */
  readonly 'bytes to join': number
  /** DHT messages, and bytes of all kinds, until a channel was stored or known to all. */
  readonly 'messages to store': number
  readonly 'bytes to store': number
  /** DHT messages that a dial has cost, on average and at most. */
  readonly 'messages per lookup': number
  readonly most: number
  /** Bytes that a node has sent in a minute without dials. */
  readonly 'bytes per idle minute'?: number
}

/** Makes a network, dials across it, and counts. */
async function measure(by: 'links' | 'dht', size: number): Promise<Figures> {
  const network = await Network.create({ size, by })
  try {
    await network.join()
    const [joined, links] = [network.controlBytes, network.links]
    const before = network.messages
    await network.listen()
    const stored = network.messages - before
    const storing = network.controlBytes - joined
    const lookups: number[] = []
    const dials = size > DIALS ? shuffled(range(size)) : range(DIALS).map(i => i % size)
    for (const to of dials) {
      const from = (to + 1 + Math.floor(Math.random() * (size - 1))) % size
      const asked = network.asked(from)
      assert.equal(await network.exchange(from, to), network.peer(to), `channel ${to}`)
      lookups.push(network.asked(from) - asked)
    }
    return {
      links: links / size,
      connections: network.connections / size,
      'bytes to join': joined / size,
      'messages to store': stored / size,
      'bytes to store': storing / size,
      'messages per lookup': lookups.reduce((sum, count) => sum + count, 0) / lookups.length,
      most: Math.max(...lookups),
      ...(IDLE > 0 ? { 'bytes per idle minute': await network.idleBytes(IDLE) } : {})
    }
  } finally {
    await network.close()
  }
}

function print(figures: Figures): void {
  const cells = Object.entries(figures).map(
    ([name, value]) => `${name} ${value.toFixed(value < 100 ? 1 : 0)}`
  )
  process.stdout.write(`      ${cells.join(', ')}\n`)
}

describe('tunnels in one process', function () {
  this.timeout(3_600_000)

  for (const size of MESHES) {
    it(`${size} by links alone, all with all: every dial reaches its peer without a lookup`, async () => {
      const figures = await measure('links', size)
      print(figures)
      assert.equal(figures['messages per lookup'], 0)
    })
  }

  for (const size of SIZES) {
    it(`${size} with a DHT, 8 neighbours each: every channel is found, by messages in proportion to log n at most`, async () => {
      const figures = await measure('dht', size)
      print(figures)
      const allowed = PER_DOUBLING * Math.log2(size)
      const lookup = figures['messages per lookup']
      assert.ok(lookup <= allowed, `${lookup} messages, ${allowed} allowed`)
    })
  }
})
