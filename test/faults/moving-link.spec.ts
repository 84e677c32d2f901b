import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from '../cli/command.ts'
import { statusOf } from '../cli/relayed.ts'
import { ChaosProxy } from '../support/chaos-proxy.ts'
import { TEST_BYTES } from '../support/content.ts'
import { Transfer, TransferTarget } from '../support/transfer.ts'
import { until } from '../support/until.ts'

const MIB = 2 ** 20
/** How often the link moves each way, during one transfer. */
const MOVES = 2
/** Milliseconds that a move may take: looks for a direct way come less and less often. */
const MOVE_WITHIN = 60_000

/**
 * Two `warren` processes with two ways to each other: through a relay, and a direct one that is there
 * or not. Each way leads through a chaos proxy of its own.
 */
class TwoWays {
  readonly #stage: Stage
  readonly #relayed: ChaosProxy
  readonly #direct: ChaosProxy
  /** The port that the opener listens on. */
  port = 0

  private constructor(stage: Stage, relayed: ChaosProxy, direct: ChaosProxy) {
    this.#stage = stage
    this.#relayed = relayed
    this.#direct = direct
  }

  static async create(stage: Stage, target: number): Promise<TwoWays> {
    const ways = new TwoWays(stage, await ChaosProxy.start(), await ChaosProxy.start())
    try {
      await ways.#start(target)
    } catch (error) {
      await ways.close()
      throw error
    }
    return ways
  }

  async #start(target: number): Promise<void> {
    const stage = this.#stage
    const member = (await stage.finished('a', ['key'])).out.trim()
    const relay = await stage.warren('relay', ['relay', '--allow', member]).firstLine()
    await this.#relayed.aim({ port: portOf(relay) })
    await this.#direct.refuse()
    const sharing = stage.warren('a', [
      'share',
      String(target),
      '--json',
      `--announce=/ip4/127.0.0.1/tcp/${this.#direct.port}`,
      `--relay=${relay.replace(/\/tcp\/\d+/, `/tcp/${this.#relayed.port}`)}`
    ])
    const told = JSON.parse(await sharing.firstLine()) as { ticket: string; addresses: string[] }
    const own = told.addresses.find(address => !address.includes('/p2p-circuit'))
    await this.#direct.aim({ port: portOf(own ?? '') })
    const opening = stage.warren('b', ['open', told.ticket, '--json'])
    this.port = (JSON.parse(await opening.firstLine()) as { port: number }).port
  }

  /** Opens the direct way, and waits until both are on it. */
  async openDirect(): Promise<void> {
    await this.#direct.heal()
    await this.#areOn('direct')
  }

  /** Breaks the direct way and keeps it closed, and waits until both are on the relayed one. */
  async closeDirect(): Promise<void> {
    await this.#direct.refuse()
    await this.#direct.reset()
    await this.#areOn('relayed')
  }

  /** Resets every connection to the relay. */
  async cutRelayed(): Promise<void> {
    await this.#relayed.reset()
  }

  async counts(): Promise<{ direct: number; relayed: number; carried: number }> {
    const [direct, relayed] = [await this.#direct.counts(), await this.#relayed.counts()]
    const carried = direct.up + direct.down
    return { direct: direct.cuts, relayed: relayed.cuts, carried }
  }

  async resumed(of: 'a' | 'b'): Promise<number> {
    return (await statusOf(this.#stage, of)).sessions.resumed
  }

  async close(): Promise<void> {
    await this.#relayed.stop()
    await this.#direct.stop()
  }

  async #areOn(way: 'direct' | 'relayed'): Promise<void> {
    for (const end of ['a', 'b']) {
      await until(
        async () => {
          const { links } = await statusOf(this.#stage, end)
          return links.length === 1 && links[0]?.path === way
        },
        `the link of ${end} is ${way}`,
        MOVE_WITHIN
      )
    }
  }
}

describe('a link that moves between a relay and a direct way, during a transfer', () => {
  let stage: Stage
  let target: TransferTarget
  let ways: TwoWays
  beforeEach(async () => {
    stage = await Stage.create()
    target = await TransferTarget.start()
    ways = await TwoWays.create(stage, target.port)
  })
  afterEach(async () => {
    await ways.close()
    await stage.close()
    await target.close()
  })

  for (const direction of ['down', 'up'] as const) {
    const name = direction === 'down' ? 'a download' : 'an upload'
    it(`${MOVES} times each way, and cut on either: ${name} is not disturbed`, async () => {
      let moves = 0
      const all = 2 * MOVES
      const transfer = new Transfer(direction, ways.port, target, sent => {
        return sent < TEST_BYTES || moves < all
      })
      await transfer.progress(MIB)
      while (moves < all) {
        await ways.openDirect()
        moves++
        await transfer.progress(4 * MIB)
        await ways.closeDirect()
        moves++
        await transfer.progress(MIB)
        if (moves < all) {
          // Mid-transfer, on the relayed way, too.
          await ways.cutRelayed()
          await transfer.progress(MIB)
          await sleep(100)
        }
      }
      await transfer.verify()
      const counts = await ways.counts()
      assert.ok(counts.direct >= MOVES, `the direct way was cut ${counts.direct} times`)
      assert.ok(counts.relayed >= MOVES - 1, `the relayed way was cut ${counts.relayed} times`)
      assert.ok(counts.carried >= MOVES * 4 * MIB, `${counts.carried} bytes went the direct way`)
      for (const end of ['a', 'b'] as const) {
        const resumed = await ways.resumed(end)
        assert.ok(resumed >= all + MOVES - 1, `${end} resumed ${resumed} times in ${all} moves`)
      }
      assert.deepEqual(target.endings, [undefined])
    })
  }
})

function portOf(address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}
