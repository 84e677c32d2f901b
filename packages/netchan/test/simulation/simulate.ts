import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import { PORT } from '../../src/channel/channel-port.ts'
import { ExportTable } from '../../src/exporter/export-table.ts'
import { receivedChannel, sentChannel } from '../../src/exporter/make-exported.ts'
import { Random } from './random.ts'
import { SimImporter, type Tagged } from './sim-importer.ts'

/** What happened in a run, summed over the seeds: to see that the runs meet what they are for. */
export interface SimulationReport {
  sent: number
  taken: number
  cuts: number
  hangups: number
  redelivered: number
  /** Values that an importer took right before its link was cut, and another took again. */
  again: number
}

/** Steps in which anything may happen. */
const STEPS = 500

/** One run: some importers come and go while values flow both ways; then everything must end. */
export function simulate(seed: number): SimulationReport {
  return new Simulation(seed).run()
}

class Simulation {
  readonly #random: Random
  readonly #mode: 'queue' | 'broadcast'
  readonly #jobs
  readonly #sums
  readonly #exports: ExportTable
  readonly #exported
  readonly #importers: SimImporter[] = []
  /** What came out of `sums`. */
  readonly #received: Tagged[] = []
  #sent = 0
  #now = 0

  constructor(seed: number) {
    const random = new Random(seed)
    this.#random = random
    this.#mode = random.chance(0.7) ? 'queue' : 'broadcast'
    this.#jobs = channel<number>(random.between(0, 3))
    this.#sums = channel<Tagged>(random.between(0, 3))
    const fail = (error: Error): void => {
      throw error
    }
    const context = { maxValueBytes: 4_096, report: fail, onProgress: () => {} }
    this.#exports = new ExportTable(1_000_000_000, { onBound: () => {}, onUnbound: () => {} })
    this.#exported = sentChannel('jobs', this.#jobs[PORT], { mode: this.#mode }, context)
    this.#exports.add('jobs', this.#exported)
    this.#exports.add('sums', receivedChannel('sums', this.#sums[PORT], {}, context))
  }

  run(): SimulationReport {
    this.#join()
    for (let i = 0; i < STEPS; i++) this.#step()
    // From here on nobody leaves, and everybody reads.
    if (this.#staying.length === 0) this.#join()
    this.#settle()
    this.#jobs.close()
    for (const importer of this.#staying) importer.sums.close()
    this.#settle()
    this.#check()
    return this.#report()
  }

  get #staying(): SimImporter[] {
    return this.#importers.filter(({ left }) => left === undefined)
  }

  #join(): void {
    this.#importers.push(
      new SimImporter(this.#importers.length, this.#exports, this.#random, this.#now)
    )
  }

  #step(): void {
    const random = this.#random
    this.#now += random.between(0, 3)
    const importer = random.pick(this.#importers)
    if (importer === undefined) return
    const draw = random.next()
    if (draw < 0.2) this.#send()
    else if (draw < 0.35) importer.take()
    else if (draw < 0.45 && importer.left === undefined) importer.send()
    else if (draw < 0.52) this.#takeSum()
    else if (draw < 0.74)
      importer.link.turn(random.chance(0.5) ? 'exporter' : 'importer', this.#now)
    else if (draw < 0.97) importer.link.deliver(random.chance(0.5) ? 'exporter' : 'importer')
    else if (draw < 0.98 && importer.left === undefined) importer.hangup()
    else if (draw < 0.985 && importer.left !== 'cut') importer.cut()
    else if (this.#staying.length < 4) this.#join()
  }

  #send(): void {
    if (this.#jobs.trySend(this.#sent)) this.#sent++
  }

  #takeSum(): boolean {
    const received = this.#sums.tryReceive()
    if (received?.done !== false) return false
    this.#received.push(received.value)
    return true
  }

  /** Lets everything happen until nothing moves any more. */
  #settle(): void {
    for (let idle = 0; idle < 3; ) {
      this.#now += 100
      let moved = false
      for (const importer of this.#importers) {
        for (const end of ['exporter', 'importer'] as const) {
          moved = importer.link.turn(end, this.#now) || moved
          moved = importer.link.deliver(end) || moved
        }
        while (importer.take()) moved = true
      }
      while (this.#takeSum()) moved = true
      idle = moved ? 0 : idle + 1
    }
  }

  #check(): void {
    for (const { left, end, index } of this.#importers) {
      assert.notEqual(end, undefined, `importer ${index} (${left ?? 'stayed'}) saw no end`)
      if (left === undefined) assert.equal(end?.error, undefined)
    }
    if (this.#mode === 'queue') this.#checkQueue()
    else this.#checkBroadcast()
    this.#checkFanIn()
    for (const { link, table, left, index } of this.#importers) {
      assert.equal(link.busy && left !== 'cut', false)
      for (const core of [link.exporter, link.importer]) {
        const { bindings, owing, blocked, held } = core.debug()
        assert.deepEqual(
          { index, bindings, owing, blocked },
          { index, bindings: 0, owing: 0, blocked: 0 }
        )
        if (left !== 'cut') assert.equal(held, 0)
      }
      assert.equal(table.size, 0)
      assert.deepEqual(table.pending(), [])
    }
    const { bound, reservedBytes } = this.#exports.debug()
    assert.deepEqual({ bound, reservedBytes }, { bound: 0, reservedBytes: 0 })
    assert.equal(this.#exported.pending, 0)
  }

  /** Every value was taken once; again only after its taker's link was cut. */
  #checkQueue(): void {
    const takers = this.#takers()
    for (let value = 0; value < this.#sent; value++) {
      const [...by] = takers.get(value) ?? []
      assert.notEqual(by.length, 0, `value ${value} was lost`)
      const firm = by.filter(({ left }) => left !== 'cut')
      assert.ok(firm.length <= 1, `value ${value} was taken twice`)
    }
    assert.equal(Math.max(-1, ...takers.keys()) < this.#sent, true)
  }

  /** Each importer took every value from some point on, once, in order, to the end if it stayed. */
  #checkBroadcast(): void {
    for (const { taken, left, index } of this.#importers) {
      const first = taken[0] ?? 0
      assert.deepEqual(
        taken,
        taken.map((_, i) => first + i),
        `a gap at importer ${index}`
      )
      if (left === undefined && taken.length > 0) assert.equal(taken.at(-1), this.#sent - 1)
    }
  }

  /** What each importer sent came in its order, without a gap; all of it, if it ended in order. */
  #checkFanIn(): void {
    for (const { index, sent, left } of this.#importers) {
      const places = this.#received.filter(({ from }) => from === index).map(({ place }) => place)
      assert.deepEqual(
        places,
        places.map((_, i) => i),
        `values of importer ${index}`
      )
      if (left === 'cut') assert.ok(places.length <= sent)
      else assert.equal(places.length, sent, `values of importer ${index} are missing`)
    }
  }

  #takers(): Map<number, SimImporter[]> {
    const takers = new Map<number, SimImporter[]>()
    for (const importer of this.#importers) {
      for (const value of importer.taken) {
        const by = takers.get(value) ?? []
        by.push(importer)
        takers.set(value, by)
      }
    }
    return takers
  }

  #report(): SimulationReport {
    const takers = this.#mode === 'queue' ? [...this.#takers().values()] : []
    return {
      sent: this.#sent + this.#received.length,
      taken: this.#importers.reduce((sum, { taken }) => sum + taken.length, 0),
      cuts: this.#importers.filter(({ left }) => left === 'cut').length,
      hangups: this.#importers.filter(({ left }) => left === 'hangup').length,
      redelivered: this.#exported.redelivered,
      again: takers.filter(({ length }) => length > 1).length
    }
  }
}
