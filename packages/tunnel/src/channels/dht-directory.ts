import { setTimeout as sleep } from 'node:timers/promises'
import type { AbortOptions, ContentRouting } from '@libp2p/interface'
import { Backoff, deadline } from '@warren/utils'
import type { CID } from 'multiformats/cid'
import { InvalidTunnelOptionError } from '../errors.ts'
import { joinSignals } from '../join-signals.ts'
import { channelCid } from './channel-key.ts'
import type { ChannelDirectory, ChannelProvider } from './channel-directory.ts'
import { DHT_DEFAULTS } from './dht-defaults.ts'
import { Turns } from './turns.ts'

/** Options of {@link dhtDirectory}. Times in milliseconds. */
export interface DhtDirectoryOptions {
  /** What stores and finds providers: `swarm.components.contentRouting`, with kad-dht as a service. */
  readonly contentRouting: Pick<ContentRouting, 'provide' | 'findProviders' | 'cancelReprovide'>
  /**
   * Between two times that a channel is provided. Records in the DHT should be valid for at least
   * twice as long. A new channel is provided again after a sixteenth of it, then twice that, and so
   * on: a node that has just joined does not know yet where its records belong.
   *
   * @default 600_000
   */
  readonly provideInterval?: number
  /** How long storing a record may take; then it is tried again, after 1 s at most 60 s. @default 60_000 */
  readonly provideTimeout?: number
  /** Channels provided at the same time; more wait their turn. @default 4 */
  readonly parallelProvides?: number
  /** Providers that one search gives; it ends with the last of them. @default 16 */
  readonly maxProviders?: number
  /** Told when storing a record failed; it is tried again. @default nobody */
  readonly onError?: (error: Error) => void
}

/** Pauses after a record could not be stored, in milliseconds, with full jitter. */
const RETRY = { first: 1_000, factor: 2, max: 60_000 }
/** Milliseconds for which a query goes on after the last provider that it named. */
const SETTLE = 10
/** The first time that a new channel is provided again, as a part of the interval. */
const FIRST_AGAIN = 1 / 16
/** A pause is up to so much of itself shorter or longer, so that nodes do not fall into step. */
const JITTER = 0.1

/**
 * Channels in a DHT: this node is stored as a provider of each channel that it listens on, and the
 * providers of a channel are found there. Names are hidden by the network's token, so that those who
 * store the records learn neither what the channels are called nor which networks have the same.
 *
 * @throws code `ERR_TUNNEL_OPTION`
 */
export function dhtDirectory(options: DhtDirectoryOptions): ChannelDirectory {
  return new DhtDirectory(options, Math.random)
}

type Resolved = Required<Omit<DhtDirectoryOptions, 'onError'>> &
  Pick<DhtDirectoryOptions, 'onError'>

/** See {@link dhtDirectory}. */
export class DhtDirectory implements ChannelDirectory {
  readonly #options: Resolved
  readonly #random: () => number
  readonly #turns: Turns
  /** Channels that are listened on here, each with what ends its being provided. */
  readonly #provided = new Map<string, AbortController>()
  #keys: readonly Uint8Array[] = []

  constructor(options: DhtDirectoryOptions, random: () => number) {
    this.#options = resolve(options)
    this.#random = random
    this.#turns = new Turns(this.#options.parallelProvides)
  }

  setKeys(keys: readonly Uint8Array[]): void {
    const channels = [...this.#provided.keys()]
    for (const channel of channels) this.#end(channel)
    this.#keys = keys
    for (const channel of channels) this.#begin(channel)
  }

  announce(channel: string, open: boolean): void {
    if (open) this.#begin(channel)
    else this.#end(channel)
  }

  async *find(channel: string, { signal }: AbortOptions): AsyncGenerator<ChannelProvider> {
    let left = this.#options.maxProviders
    for (const key of this.#keys) {
      for await (const provider of this.#query(channelCid(key, channel), signal)) {
        yield provider
        if (--left === 0) return
      }
    }
  }

  close(): void {
    for (const channel of this.#provided.keys()) this.#end(channel)
  }

  #begin(channel: string): void {
    if (this.#provided.has(channel)) return
    const controller = new AbortController()
    this.#provided.set(channel, controller)
    for (const key of this.#keys) {
      // It ends with the signal only, and has told of every other failure.
      this.#keep(channelCid(key, channel), controller.signal).catch(() => {})
    }
  }

  #end(channel: string): void {
    this.#provided.get(channel)?.abort()
    this.#provided.delete(channel)
    // A DHT takes nothing back: what others hold expires there.
    for (const key of this.#keys) {
      this.#options.contentRouting.cancelReprovide(channelCid(key, channel)).catch(() => {})
    }
  }

  /**
   * One query. Each node that has the record names all providers that it knows, so the query ends soon
   * after the first answer: the others would cost messages and tell little more.
   */
  async *#query(cid: CID, parent: AbortSignal | undefined): AsyncGenerator<ChannelProvider> {
    const stop = new AbortController()
    const query = joinSignals(stop.signal, parent)
    const found = this.#options.contentRouting.findProviders(cid, { signal: query.signal })
    const answers = found[Symbol.asyncIterator]()
    let next = answers.next()
    try {
      for (let first = true; ; first = false) {
        const answer = await (first ? next : Promise.race([next, sleep(SETTLE)]))
        if (answer === undefined || answer.done === true) return
        next = answers.next()
        yield { peer: answer.value.id, addrs: answer.value.multiaddrs }
      }
    } finally {
      // What is still awaited of the query fails by this, and nobody wants to know.
      next.catch(() => {})
      stop.abort()
      query.clear()
    }
  }

  /** Provides again and again, until `signal` fires. */
  async #keep(cid: CID, signal: AbortSignal): Promise<void> {
    const { provideInterval } = this.#options
    const retry = new Backoff(RETRY, this.#random)
    let again = provideInterval * FIRST_AGAIN
    while (!signal.aborted) {
      let pause: number
      try {
        await this.#turns.run(() => this.#provide(cid, signal), signal)
        retry.reset()
        pause = again * (1 - JITTER + 2 * JITTER * this.#random())
        again = Math.min(2 * again, provideInterval)
      } catch (error) {
        if (signal.aborted) return
        this.#options.onError?.(error as Error)
        pause = retry.next()
      }
      await sleep(pause, undefined, { signal, ref: false })
    }
  }

  async #provide(cid: CID, parent: AbortSignal): Promise<void> {
    const { contentRouting, provideTimeout } = this.#options
    const late = (): Error =>
      new Error(`a channel's record was not stored within ${provideTimeout} ms`)
    const limit = deadline(provideTimeout, late, parent)
    try {
      await contentRouting.provide(cid, { signal: limit.signal })
    } finally {
      limit.clear()
    }
  }
}

function resolve(options: DhtDirectoryOptions): Resolved {
  const resolved = { ...DHT_DEFAULTS, ...options }
  for (const name of Object.keys(DHT_DEFAULTS) as (keyof typeof DHT_DEFAULTS)[]) {
    const value = (resolved[name] = options[name] ?? DHT_DEFAULTS[name])
    if (Number.isFinite(value) && value >= 1 && value < 2 ** 31) continue
    throw new InvalidTunnelOptionError(`dhtDirectory: ${name} is ${value}: use a number from 1`)
  }
  if (typeof options.contentRouting?.provide !== 'function') {
    throw new InvalidTunnelOptionError(
      'dhtDirectory needs contentRouting: swarm.components.contentRouting, with kad-dht as a service'
    )
  }
  return resolved
}
