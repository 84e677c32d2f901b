import type { WireChannel } from '../../proto/control.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { AccessRequest } from '../options.ts'
import type { ChannelListener } from './channel-listener.ts'
import { toWireMode } from './wire-mode.ts'

/** What an {@link Announcer} needs. */
export interface AnnouncerInit {
  readonly listeners: ReadonlyMap<string, ChannelListener>
  readonly authorize: ((request: AccessRequest) => boolean | Promise<boolean>) | undefined
  links(): readonly TunnelLink[]
}

/** Tells peers of the channels that are listened on here; each peer only of those it may open. */
export class Announcer {
  readonly #init: AnnouncerInit

  constructor(init: AnnouncerInit) {
    this.#init = init
  }

  /** Whether the peer of `link` may know of, and open, `channel`. A hook that throws says no. */
  async allowed(link: TunnelLink, channel: string): Promise<boolean> {
    if (!link.scope.mayServe(channel)) return false
    if (this.#init.authorize === undefined) return true
    try {
      return (await this.#init.authorize({ peer: link.peer, channel, link })) === true
    } catch {
      return false
    }
  }

  /** Channels listened on here that the peer of `link` may know: all, or those of `names`. */
  async listening(link: TunnelLink, names?: readonly string[]): Promise<WireChannel[]> {
    const { listeners } = this.#init
    const wanted = names ?? [...listeners.keys()]
    const known: WireChannel[] = []
    for (const name of wanted) {
      if (!listeners.has(name) || !(await this.allowed(link, name))) continue
      // Looked up again: it may have closed while access was checked.
      const listener = listeners.get(name)
      if (listener === undefined) continue
      known.push({ name, mode: toWireMode(listener.mode), bytes: listener.bytes })
    }
    return known
  }

  /** A listener opened: says so on every link that may know. */
  async opened(channel: string): Promise<void> {
    await Promise.all(this.#init.links().map(link => this.openedOn(link, channel)))
  }

  /** Says on one link that `channel` is listened on, if it is and may be known. */
  async openedOn(link: TunnelLink, channel: string): Promise<void> {
    const channels = await this.listening(link, [channel])
    if (channels.length > 0) link.announce(channels)
  }

  /** A listener closed. Links that did not know of it learn nothing new: they may not be told. */
  closed(channel: string): void {
    for (const link of this.#init.links()) {
      void this.allowed(link, channel).then(allowed => {
        if (allowed && !this.#init.listeners.has(channel)) link.withdraw(channel)
      })
    }
  }
}
