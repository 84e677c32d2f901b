import { deadline, waitFor } from '@warren/utils'
import type { WireChannel } from '../../proto/control.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import type { AccessRequest } from '../options.ts'
import type { ChannelListener } from './channel-listener.ts'
import { isChannelName } from './channel-name.ts'
import { toWireMode } from './wire-mode.ts'

/** Milliseconds that the access hook may take for one answer. */
const AUTHORIZE_TIMEOUT = 5_000

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

  /**
   * Whether the peer of `link` may know of, and open, `channel`. A hook that throws, or takes more
   * than {@link AUTHORIZE_TIMEOUT}, says no. Where it is asked, it is asked about channels that are not
   * there, too: so that the time of a no does not tell which are.
   */
  async allowed(link: TunnelLink, channel: string): Promise<boolean> {
    if (!link.scope.mayServe(channel)) return false
    const allowed = await this.#authorized(link, channel)
    return this.admits(link.peer, channel) && allowed
  }

  async #authorized(link: TunnelLink, channel: string): Promise<boolean> {
    const { authorize } = this.#init
    if (authorize === undefined) return true
    const limit = deadline(AUTHORIZE_TIMEOUT, () => new Error('the access hook took too long'))
    try {
      const answer = Promise.resolve(authorize({ peer: link.peer, channel, link }))
      return (await waitFor(answer, limit.signal)) === true
    } catch {
      return false
    } finally {
      limit.clear()
    }
  }

  /** Whether the list of the listener, if there is one, has the peer. */
  admits(peer: string, channel: string): boolean {
    return this.#init.listeners.get(channel)?.admits(peer) ?? true
  }

  /** Channels listened on here that the peer of `link` may know: all, or those of `names`. */
  async listening(link: TunnelLink, names?: readonly string[]): Promise<WireChannel[]> {
    const { listeners } = this.#init
    const wanted = [...new Set(names ?? listeners.keys())].filter(isChannelName)
    const allowed = await Promise.all(wanted.map(name => this.allowed(link, name)))
    return wanted.flatMap((name, i) => {
      // Looked up only now: it may have closed while access was checked.
      const listener = listeners.get(name)
      if (allowed[i] !== true || listener === undefined) return []
      return [{ name, mode: toWireMode(listener.mode), bytes: listener.bytes }]
    })
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

  /** A listener closed. Links that did not know of it learn nothing new. */
  closed(channel: string): void {
    for (const link of this.#init.links()) link.withdraw(channel)
  }

  /** The rules have changed, for one channel or for all: says on each link what its peer may know. */
  async review(channel?: string): Promise<void> {
    const names = channel === undefined ? [...this.#init.listeners.keys()] : [channel]
    const told = this.#init.links().map(async link => {
      const channels = await this.listening(link, names)
      const known = new Set(channels.map(({ name }) => name))
      for (const name of names) if (!known.has(name)) link.withdraw(name)
      link.announce(channels.filter(({ name }) => !link.hasAnnounced(name)))
    })
    await Promise.all(told)
  }
}
