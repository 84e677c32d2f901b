import { setTimeout as sleep } from 'node:timers/promises'
import { PeerSet } from '@libp2p/peer-collections'
import type { PeerId } from '@libp2p/interface'
import type { ChannelProvider } from './channel-directory.ts'
import type { Directories } from './directories.ts'

/** Pauses between two looks of one search, in milliseconds: they double, and are half jitter. */
const PAUSE = { first: 1_000, max: 30_000 }
/** Peers that one look links to; the directories may name more. */
const MAX_PROVIDERS = 16

/** What a {@link ProviderSearch} needs. */
export interface ProviderSearchInit {
  readonly self: PeerId
  readonly directories: Directories
  /** Links to a peer that a directory named. */
  link(provider: ChannelProvider, signal: AbortSignal): Promise<unknown>
  readonly random: () => number
}

/** Links to the peers that directories name as providers of a channel. */
export class ProviderSearch {
  readonly #init: ProviderSearchInit

  constructor(init: ProviderSearchInit) {
    this.#init = init
  }

  /**
   * Looks again and again until `signal` fires. Resolves after the first look: all that were named
   * are linked, or are not to be. Never rejects.
   */
  async run(channel: string, signal: AbortSignal): Promise<void> {
    if (this.#init.directories.empty) return
    await this.#look(channel, signal)
    // It ends with the signal, of which its sleep tells by rejecting.
    this.#lookAgain(channel, signal).catch(() => {})
  }

  async #look(channel: string, signal: AbortSignal): Promise<void> {
    const { self, directories } = this.#init
    const seen = new PeerSet([self])
    const links: Promise<unknown>[] = []
    await directories.look(channel, signal, provider => {
      if (seen.has(provider.peer) || links.length === MAX_PROVIDERS) return
      seen.add(provider.peer)
      links.push(this.#init.link(provider, signal).catch(() => {}))
    })
    await Promise.all(links)
  }

  async #lookAgain(channel: string, signal: AbortSignal): Promise<void> {
    for (let pause = PAUSE.first; !signal.aborted; pause = Math.min(2 * pause, PAUSE.max)) {
      await sleep((pause * (1 + this.#init.random())) / 2, undefined, { signal, ref: false })
      await this.#look(channel, signal)
    }
  }
}
