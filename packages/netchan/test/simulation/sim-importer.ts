import type { Channel } from '../../src/channel/channel-types.ts'
import { coderOf } from '../../src/coders.ts'
import type { ExportTable } from '../../src/exporter/export-table.ts'
import { ImportTable } from '../../src/importer/import-table.ts'
import type { Random } from './random.ts'
import { SimLink } from './sim-link.ts'

/** A value that an importer sends: who, and its place among those of this one. */
export interface Tagged {
  readonly from: number
  readonly place: number
}

/** One importer: takes numbers from `jobs`, and sends tagged values on `sums`. */
export class SimImporter {
  readonly index: number
  readonly link: SimLink
  readonly table: ImportTable
  readonly jobs: Channel<unknown>
  readonly sums: Channel<unknown>
  /** What its application has taken, in order. */
  readonly taken: number[] = []
  /** How many of its values were accepted. */
  sent = 0
  /** How it left, if it did. */
  left: 'hangup' | 'cut' | undefined
  /** What its receiving channel ended with. */
  end: { readonly error: Error | undefined } | undefined

  constructor(index: number, exports: ExportTable, random: Random, now: number) {
    this.index = index
    this.link = new SimLink(exports, `importer ${index}`, random, now)
    this.table = new ImportTable(this.link.importer, {
      report: error => {
        throw error
      },
      onProgress: () => {}
    })
    this.jobs = this.#import('jobs', 'recv', random)
    this.sums = this.#import('sums', 'send', random)
  }

  #import(name: string, direction: 'send' | 'recv', random: Random): Channel<unknown> {
    const coder = coderOf({ name, schema: undefined, codec: undefined, maxValueBytes: 4_096 })
    return this.table.import({
      name,
      direction,
      window: { items: random.between(1, 8), bytes: random.pick([1, 20, 10_000]) ?? 1 },
      capacity: random.between(0, 2),
      count: 0,
      coder,
      endCoder: coder,
      endWindow: { items: 1, bytes: 1 },
      refused: failure => new Error(failure.message)
    }).local
  }

  /** Takes one value, if there is one. */
  take(): boolean {
    if (this.end !== undefined) return false
    try {
      const received = this.jobs.tryReceive()
      if (received === undefined) return false
      if (received.done === true) this.end = { error: undefined }
      else this.taken.push(received.value as number)
      return true
    } catch (error) {
      this.end = { error: error as Error }
      return true
    }
  }

  send(): boolean {
    // An application has the channel only once it is bound.
    if (this.sums.closed || this.table.marks().length === 0) return false
    const value: Tagged = { from: this.index, place: this.sent }
    if (!this.sums.trySend(value)) return false
    this.sent++
    return true
  }

  hangup(): void {
    this.left = 'hangup'
    this.table.close()
    // What had reached its own buffer is its own.
    while (this.take());
  }

  cut(): void {
    this.left = 'cut'
    this.link.cut()
    while (this.take());
  }
}
