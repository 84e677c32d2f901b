import type { PublishedRecord } from './subscriber-queue.ts'

/** Entries at the front that may be over before the others are moved up. */
const COMPACT_AT = 1_024

/** Messages in a session's window, until its peer's application has taken them; in order. */
export class UnconfirmedRecords {
  #entries: { readonly record: PublishedRecord; readonly end: number }[] = []
  /** Index of the first that is not confirmed. */
  #head = 0

  get size(): number {
    return this.#entries.length - this.#head
  }

  /** @param end offset behind the message in its session */
  add(record: PublishedRecord, end: number): void {
    this.#entries.push({ record, end })
  }

  /** Everything before `offset` was taken. */
  confirm(offset: number): void {
    const entries = this.#entries
    while (this.#head < entries.length && (entries[this.#head]?.end ?? 0) <= offset) this.#head++
    if (this.#head === entries.length) {
      if (this.#head > 0) this.#entries = []
      this.#head = 0
    } else if (this.#head >= COMPACT_AT) {
      entries.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Those that were never confirmed, taken out. */
  takeAll(): PublishedRecord[] {
    const left = this.#entries.slice(this.#head)
    this.#entries = []
    this.#head = 0
    return left.map(({ record }) => record)
  }
}
