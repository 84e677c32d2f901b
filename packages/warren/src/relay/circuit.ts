import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import type { RelayLimits } from './relay-server.ts'

/** Milliseconds in which what was read before the end may still leave. */
const ENDING = 5_000

/**
 * Two streams that are piped into each other: what one cannot send on is not read from the other, and
 * at the limit both end, behind all that was read until then. (An end that throws away what it has read
 * would let nothing through at all when a peer sends more than the limit at once.)
 */
export class Circuit {
  readonly #ends: readonly [Stream, Stream]
  readonly #limits: RelayLimits
  readonly #timer: NodeJS.Timeout
  #bytes = 0
  #ending = false

  /** @param ends open streams, just piped into each other */
  constructor(ends: readonly [Stream, Stream], limits: RelayLimits) {
    this.#ends = ends
    this.#limits = limits
    this.#timer = setTimeout(() => void this.#end(), limits.seconds * 1_000).unref()
    const [a, b] = ends
    this.#carry(a, b)
    this.#carry(b, a)
  }

  #carry(from: Stream, to: Stream): void {
    from.addEventListener('message', ({ data }) => {
      this.#bytes += data.byteLength
      if (this.#bytes >= this.#limits.bytes) void this.#end()
      else if (to.writableNeedsDrain && to.status === 'open') from.pause()
    })
    const resume = (): void => {
      if (!this.#ending && from.readStatus === 'paused') from.resume()
    }
    to.addEventListener('drain', resume)
    to.addEventListener('close', () => {
      clearTimeout(this.#timer)
      // The end of the one has to reach the other, behind what was read before.
      resume()
    })
  }

  async #end(): Promise<void> {
    if (this.#ending) return
    this.#ending = true
    clearTimeout(this.#timer)
    for (const end of this.#ends) if (end.readStatus === 'readable') end.pause()
    const signal = AbortSignal.timeout(ENDING)
    await Promise.all(this.#ends.map(end => flush(end, signal)))
    for (const end of this.#ends) end.abort(new Error('the limit of the relay is reached'))
  }
}

/** Waits until what was piped into the stream has left it, and says so to the peer. */
async function flush(stream: Stream, signal: AbortSignal): Promise<void> {
  try {
    // The pipe hands on one chunk after the other; it waits for each drain itself.
    await nextTurn()
    while (stream.status === 'open' && stream.writableNeedsDrain) {
      await once(stream, 'drain', { signal })
      await nextTurn()
    }
    if (stream.status === 'open') await stream.close({ signal })
  } catch {
    // Too slow, or gone: it is aborted.
  }
}
