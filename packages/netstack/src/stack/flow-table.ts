/** What identifies a flow from our side. Addresses are four words, see `address.ts`. */
export interface Flow {
  readonly local: Int32Array
  readonly localPort: number
  readonly remote: Int32Array
  readonly remotePort: number
}

/** A flow that can be kept in a {@link FlowTable}. */
export interface FlowEntry extends Flow {
  /** The table's: the next entry of the same bucket. */
  nextInBucket: FlowEntry | undefined
}

/** Buckets at first; doubled whenever there are as many entries. */
const FIRST_BUCKETS = 64

/**
 * Finds a flow by addresses and ports, without making a key: the words are mixed into a bucket's
 * number and compared. The mix is keyed, so that nobody outside can fill one bucket on purpose.
 */
export class FlowTable<T extends FlowEntry> {
  readonly #key: number
  #buckets: (T | undefined)[] = Array.from({ length: FIRST_BUCKETS }, () => undefined)
  #size = 0

  /** @param key - 32 secret bits */
  constructor(key: number) {
    this.#key = key | 0
  }

  /** Flows in the table. */
  get size(): number {
    return this.#size
  }

  /** The flow between these ends. */
  get(local: Int32Array, localPort: number, remote: Int32Array, remotePort: number): T | undefined {
    let entry = this.#buckets[this.#bucket(local, localPort, remote, remotePort)]
    while (entry !== undefined) {
      if (
        entry.remotePort === remotePort &&
        entry.localPort === localPort &&
        entry.remote[3] === remote[3] &&
        entry.local[3] === local[3] &&
        entry.remote[2] === remote[2] &&
        entry.local[2] === local[2] &&
        entry.remote[1] === remote[1] &&
        entry.local[1] === local[1] &&
        entry.remote[0] === remote[0] &&
        entry.local[0] === local[0]
      )
        return entry
      entry = entry.nextInBucket as T | undefined
    }
    return undefined
  }

  /** Adds a flow that is not in it. */
  add(entry: T): void {
    if (this.#size === this.#buckets.length) this.#grow()
    this.#put(entry)
    this.#size++
  }

  /** Takes a flow out; `false` when it was not in it. */
  remove(entry: T): boolean {
    const bucket = this.#bucketOf(entry)
    let before: T | undefined
    for (let at = this.#buckets[bucket]; at !== undefined; at = at.nextInBucket as T | undefined) {
      if (at !== entry) {
        before = at
        continue
      }
      if (before === undefined) this.#buckets[bucket] = entry.nextInBucket as T | undefined
      else before.nextInBucket = entry.nextInBucket
      entry.nextInBucket = undefined
      this.#size--
      return true
    }
    return false
  }

  /** All flows, in no order; the table must not change meanwhile. */
  *values(): Generator<T> {
    for (const first of this.#buckets) {
      for (let at = first; at !== undefined; at = at.nextInBucket as T | undefined) yield at
    }
  }

  #put(entry: T): void {
    const bucket = this.#bucketOf(entry)
    entry.nextInBucket = this.#buckets[bucket]
    this.#buckets[bucket] = entry
  }

  #grow(): void {
    const all = [...this.values()]
    this.#buckets = Array.from({ length: 2 * this.#buckets.length }, () => undefined)
    for (const entry of all) this.#put(entry)
  }

  #bucketOf(entry: T): number {
    return this.#bucket(entry.local, entry.localPort, entry.remote, entry.remotePort)
  }

  #bucket(local: Int32Array, localPort: number, remote: Int32Array, remotePort: number): number {
    let h = this.#key
    h = mix(h, (localPort << 16) | remotePort)
    h = mix(h, remote[3] as number)
    h = mix(h, local[3] as number)
    if (remote[0] !== 0 || local[0] !== 0) {
      h = mix(mix(mix(h, remote[0] as number), remote[1] as number), remote[2] as number)
      h = mix(mix(mix(h, local[0] as number), local[1] as number), local[2] as number)
    }
    h ^= h >>> 16
    h = Math.imul(h, 0x85ebca6b)
    h ^= h >>> 13
    return (h ^ this.#key) & (this.#buckets.length - 1)
  }
}

/** One step of MurmurHash3. */
function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  h ^= Math.imul(k, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}
