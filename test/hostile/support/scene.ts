import assert from 'node:assert/strict'
import { Remote } from '../../support/remote.ts'
import { until } from '../../support/until.ts'
import { Attacker } from './attacker.ts'
import type * as HonestModule from './honest-process.ts'
import type { Service } from './honest-process.ts'
import type {
  JournalEntry,
  Measured,
  Report,
  Tables,
  VictimAddress,
  VictimInit
} from './victim-types.ts'
import type * as VictimModule from './victim-process.ts'

const MIB = 1024 * 1024
/** Bytes above the window that an attacker may make the victim hold. */
const MEMORY_ABOVE_WINDOW = 2 * MIB
/** Bytes that may remain of all attacks together: compiled code, for the most part. */
const MEMORY_LEFT = 10 * MIB
/** Milliseconds of event-loop delay at the 99th percentile while the attack lasts. */
const MAX_P99 = 100
/** The honest peer's own delay above which the machine, not the attack, is what is slow. */
const BUSY_MACHINE = 40
/** Figures that a busy machine or a first compilation spoils are measured anew so often. */
const ATTEMPTS = 3
const ROUNDS = 5

/** What an attack is expected to do. */
export interface Expectation {
  /** Bytes of windows that the peer may fill by right. */
  readonly window?: number
  /** Bytes that may be held above the windows; 2 MiB unless given. */
  readonly above?: number
  /** Milliseconds of event-loop delay that are known to be passed, and why is said where it is. */
  readonly p99?: number
  /** Codes of which the victim's journal must hold at least one with each. */
  readonly codes?: readonly string[]
  /** Milliseconds that the tables may take to be as before. */
  readonly settle?: number
  /** Looks at what the victim went through. */
  readonly check?: (report: Report) => void | Promise<void>
}

/** A victim, and an honest peer that it has to serve whatever happens; each in its own process. */
export class Scene implements AsyncDisposable {
  readonly victim: Remote<typeof VictimModule>
  readonly honest: Remote<typeof HonestModule>
  readonly address: VictimAddress
  /** The honest peer's id. */
  readonly honestPeer: string
  #memoryAtFirst = 0

  private constructor(
    victim: Remote<typeof VictimModule>,
    honest: Remote<typeof HonestModule>,
    address: VictimAddress,
    honestPeer: string
  ) {
    this.victim = victim
    this.honest = honest
    this.address = address
    this.honestPeer = honestPeer
  }

  /** @param started called with the victim's process id before its node is made */
  static async create(
    init: VictimInit = {},
    started: (pid: number) => void = () => {}
  ): Promise<Scene> {
    const victim = Remote.start<typeof VictimModule>(
      new URL('./victim-process.js', import.meta.url)
    )
    const honest = Remote.start<typeof HonestModule>(
      new URL('./honest-process.js', import.meta.url)
    )
    try {
      started(victim.pid)
      const address = await victim.call('start', init)
      const loopback = `/ip4/127.0.0.1/tcp/${address.port}/p2p/${address.peer}`
      const honestPeer = await honest.call('start', loopback)
      const scene = new Scene(victim, honest, address, honestPeer)
      await scene.#warmUp()
      scene.#memoryAtFirst = await victim.call('settledMemory')
      return scene
    } catch (error) {
      await Promise.all([victim.stop(), honest.stop()])
      throw error
    }
  }

  get port(): number {
    return this.address.port
  }

  /** Sizes of the victim's tables, without the honest peer. */
  tables(): Promise<Tables> {
    return this.victim.call('tables', this.honestPeer)
  }

  /**
   * Runs an attack twice, once for the time and once for the memory that it costs, and asserts what
   * must hold for each attack: event-loop delay, bytes held, service for the honest peer, and tables
   * that are as before. Figures that something else has spoiled are measured again.
   */
  async underAttack(
    name: string,
    expected: Expectation,
    attack: (scene: Scene) => Promise<void>
  ): Promise<void> {
    const figures: string[] = []
    for (const measured of ['time', 'memory'] as const) {
      const spoiled: string[] = []
      for (;;) {
        const { report, service } = await this.#attacked(measured, expected, attack)
        const { good, text } =
          measured === 'time'
            ? timeFigures(report, service, expected.p99 ?? MAX_P99)
            : memoryFigures(
                report,
                (expected.window ?? 0) + (expected.above ?? MEMORY_ABOVE_WINDOW)
              )
        if (good) {
          figures.push(text)
          break
        }
        console.log(`        ${name}, again: ${text}`)
        spoiled.push(text)
        if (spoiled.length === ATTEMPTS) assert.fail(`over the limit: ${spoiled.join('; ')}`)
      }
    }
    console.log(`        ${name}: ${figures.join('; ')}`)
  }

  /** Asserts that what was attacked holds nothing more of it. */
  async assertNothingLeft(): Promise<void> {
    const left = (await this.victim.call('settledMemory')) - this.#memoryAtFirst
    console.log(`        after all attacks: ${mib(left)} more than before the first`)
    assert.ok(left < MEMORY_LEFT, `${mib(left)} are left`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.honest.stop()
    await this.victim.stop()
  }

  async #attacked(
    measured: Measured,
    expected: Expectation,
    attack: (scene: Scene) => Promise<void>
  ): Promise<{ report: Report; service: Service }> {
    const before = await this.tables()
    await this.victim.call('begin', measured)
    await this.honest.call('begin')
    await attack(this)
    await this.honest.call('rounds', ROUNDS)
    const report = await this.victim.call('finish')
    const service = await this.honest.call('finish')
    await this.#settled(before, expected.settle ?? 10_000)
    assert.deepEqual(service.errors, [], 'the honest peer is served')
    for (const code of expected.codes ?? []) assertCode(report.journal, code)
    await expected.check?.(report)
    return { report, service }
  }

  /** Waits until the tables are what they were. */
  async #settled(before: Tables, ms: number): Promise<void> {
    let now = await this.tables()
    const same = (): boolean =>
      (Object.keys(before) as (keyof Tables)[]).every(
        // The honest peer's connection is one of the muxers, and holds what it is just sending.
        key => key === 'held' || key === 'control' || now[key] <= before[key]
      )
    try {
      await until(
        async () => {
          now = await this.tables()
          return same()
        },
        'the tables are as before',
        ms
      )
    } catch {
      assert.deepEqual(now, before, 'the tables are as before')
    }
  }

  /** First use compiles and caches: not what is measured. */
  async #warmUp(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      for (const muxer of ['/yamux/1.0.0', '/mplex/6.7.0']) {
        using attacker = await Attacker.muxed(this.port, muxer)
        await attacker.send(new Uint8Array(12))
      }
    }
    await this.honest.call('rounds', 20)
    await until(async () => (await this.tables()).connections === 0, 'the warm-up is over')
  }
}

interface Figures {
  /** Within the limits. */
  readonly good: boolean
  readonly text: string
}

function timeFigures(report: Report, service: Service, limit: number): Figures {
  const { p99, busy, cpu, elapsed } = report
  const { rounds, slowest, p99: idle } = service
  const busyMachine = idle > BUSY_MACHINE
  const text = [
    `p99 ${p99.toFixed(0)} ms (${busy.toFixed(0)} ms of it our CPU)`,
    `${rounds} honest rounds, slowest ${slowest.toFixed(0)} ms`,
    `cpu ${cpu.toFixed(0)} of ${elapsed.toFixed(0)} ms`,
    ...(busyMachine ? [`busy machine: an idle loop has p99 ${idle.toFixed(0)} ms`] : [])
  ].join(', ')
  return { good: busy < limit && (p99 < limit || busyMachine), text }
}

function memoryFigures({ before, peak }: Report, limit: number): Figures {
  const held = peak - before
  return { good: held <= limit, text: `${mib(held)} held, of ${mib(limit)} at most` }
}

function assertCode(journal: readonly JournalEntry[], code: string): void {
  if (journal.some(({ codes }) => codes.includes(code))) return
  const seen = journal.map(
    ({ component, codes, message }) => `${component} ${codes.join(', ')} ${message}`
  )
  assert.fail(
    `no ${code} among ${seen.length} errors: ${[...new Set(seen)].slice(0, 8).join(' | ')}`
  )
}

export function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`
}
