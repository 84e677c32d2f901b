import type { StandardSchemaV1 } from '@standard-schema/spec'
import { importFrom } from '@warren/netchan'
import type { Codec, Importer, Sender } from '@warren/netchan'
import type { Tunnel } from '@warren/tunnel'
import { Backoff, waitFor } from '@warren/utils'

/** Milliseconds that a dial to a node that has announced the channel may take. */
const DIAL_TIMEOUT = 10_000

/** What every source of a channel has in common. */
export interface SourceInit {
  readonly tunnel: Tunnel
  readonly channel: string
  /** Name of what is exported there; it says the mode. */
  readonly exported: string
  readonly into: Sender<never>
  readonly options: {
    readonly schema?: StandardSchemaV1
    readonly codec?: Codec
    readonly size: number
  }
  /** Whether the node still announces the channel. */
  readonly isThere: (peer: string) => boolean
  /** Values come from now on, or no longer. */
  readonly onBound: (peer: string, bound: boolean) => void
  /** It could not be bound; it is tried again unless `final`. */
  readonly onError: (peer: string, error: Error, final: boolean) => void
}

/** Between attempts; milliseconds. */
const PAUSES = { first: 250, factor: 2, max: 10_000 }

/** Trying again cannot help: the two nodes were not given the same channel. */
const FINAL = new Set(['ERR_SCHEMA_MISMATCH', 'ERR_CODEC_MISMATCH', 'ERR_UNKNOWN_NAME'])

/** Keeps this node importing what one other node sends, for as long as that announces the channel. */
export class PeerSource {
  readonly #init: SourceInit
  readonly #peer: string
  readonly #stop = new AbortController()
  #importer: Importer | undefined
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<void>

  constructor(peer: string, init: SourceInit) {
    this.#peer = peer
    this.#init = init
    this.ended = this.#run()
  }

  /** Leaves: what has come and was not received goes back to the node. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the channel is closed'))
    await this.ended
  }

  async #run(): Promise<void> {
    const { isThere, onError } = this.#init
    const { signal } = this.#stop
    const backoff = new Backoff(PAUSES, Math.random)
    let failure: Error | undefined
    while (!signal.aborted && isThere(this.#peer)) {
      // An attempt that failed since the node was leaving is no news.
      if (failure !== undefined) onError(this.#peer, failure, false)
      failure = await this.#follow()
      if (failure === undefined) backoff.reset()
      await this.#importer?.close()
      this.#importer = undefined
      if (signal.aborted) return
      if (failure !== undefined && FINAL.has(codeOf(failure))) {
        onError(this.#peer, failure, true)
        return
      }
      await pause(backoff.next(), signal)
    }
  }

  /** Binds, and waits for the end; returns why it could not be bound, or did not end in order. */
  async #follow(): Promise<Error | undefined> {
    const { onBound } = this.#init
    const { signal } = this.#stop
    let bound = false
    try {
      const { ended } = await this.#bind(signal)
      bound = true
      onBound(this.#peer, true)
      return await waitFor(ended, signal)
    } catch (error) {
      return signal.aborted ? undefined : (error as Error)
    } finally {
      if (bound) onBound(this.#peer, false)
    }
  }

  /** Resolves once bound; `ended` when no more comes. */
  async #bind(signal: AbortSignal): Promise<{ readonly ended: Promise<Error | undefined> }> {
    const { tunnel, channel, exported, into, options } = this.#init
    const dialling = tunnel.dial(channel, { peer: this.#peer, timeout: DIAL_TIMEOUT, signal })
    this.#importer = await importFrom(dialling, { signal })
    return this.#importer.importInto(exported, into, { ...options, signal })
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}

/** Resolves after so many milliseconds, or when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
