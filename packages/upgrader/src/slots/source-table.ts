import { TokenBucket } from '@warren/utils'
import { Penalty } from './penalty.ts'
import type { PenaltyOptions } from './penalty.ts'

/** Where inbound connections come from, and what it has used of its limits. */
export interface Source {
  /** `undefined` for the one source that is exempt from limits. */
  readonly key: string | undefined
  /** Slots that it holds. */
  active: number
  /** Requests for a slot that wait. */
  waiting: number
}

/** Limits of a {@link SourceTable}. */
export interface SourceTableOptions extends PenaltyOptions {
  readonly inboundRatePerSource: number
  readonly inboundBurstPerSource: number
  readonly maxSources: number
}

interface LimitedSource extends Source {
  readonly key: string
  readonly bucket: TokenBucket
  readonly penalty: Penalty
}

/**
 * The sources that were seen, bounded: beyond `maxSources` the one seen longest ago that neither
 * holds nor awaits a slot is forgotten. Time is an argument (monotonic milliseconds).
 */
export class SourceTable {
  /** Every source that is exempt from limits: loopback, unix sockets. */
  readonly exempt: Source = { key: undefined, active: 0, waiting: 0 }
  readonly #options: SourceTableOptions
  /** In the order in which they were last seen. */
  readonly #sources = new Map<string, LimitedSource>()

  constructor(options: SourceTableOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#sources.size
  }

  /** The source with this key, as of now the one last seen. */
  find(key: string | undefined, now: number): Source {
    if (key === undefined) return this.exempt
    const known = this.#sources.get(key)
    if (known !== undefined) {
      this.#sources.delete(key)
      this.#sources.set(key, known)
      return known
    }
    if (this.#sources.size >= this.#options.maxSources) this.#forgetOne()
    const source: LimitedSource = {
      key,
      active: 0,
      waiting: 0,
      bucket: new TokenBucket(
        {
          burst: this.#options.inboundBurstPerSource,
          perSecond: this.#options.inboundRatePerSource
        },
        now
      ),
      penalty: new Penalty(this.#options)
    }
    this.#sources.set(key, source)
    return source
  }

  /** Counts one arrival; says which limit it is over, if any. */
  admit(source: Source, now: number): 'rate' | 'penalty' | undefined {
    const limited = this.#limited(source)
    if (limited === undefined) return undefined
    if (limited.penalty.active(now)) return 'penalty'
    return limited.bucket.take(now) ? undefined : 'rate'
  }

  /** Makes a source pay for a protocol violation. */
  punish(key: string | undefined, now: number): void {
    if (key !== undefined) this.#sources.get(key)?.penalty.add(now)
  }

  #limited(source: Source): LimitedSource | undefined {
    return source.key === undefined ? undefined : this.#sources.get(source.key)
  }

  /** Sources in use are seen again instead; there are fewer of them than `maxSources`. */
  #forgetOne(): void {
    for (const [key, source] of this.#sources) {
      this.#sources.delete(key)
      if (source.active === 0 && source.waiting === 0) return
      this.#sources.set(key, source)
    }
  }
}
