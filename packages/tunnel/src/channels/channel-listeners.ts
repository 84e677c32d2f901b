import { AlreadyListeningError, TunnelLimitError } from '../errors.ts'
import { ChannelListener } from './channel-listener.ts'
import type { ListenChoice } from './channel-choices.ts'

/** What {@link ChannelListeners} tell the tunnel. */
export interface ChannelListenersInit {
  /** Channels listened on at a time. */
  readonly limit: number
  /** Sessions that may wait in each to be accepted. */
  readonly backlog: number
  opened(channel: string): void
  closed(channel: string): void
  /** The peers that a listener admits have changed. */
  admits(channel: string): Promise<void>
}

/** The channels that are listened on here, by name: one listener each. */
export class ChannelListeners extends Map<string, ChannelListener> {
  readonly #init: ChannelListenersInit

  constructor(init: ChannelListenersInit) {
    super()
    this.#init = init
  }

  /**
   * Begins to listen.
   *
   * @throws {AlreadyListeningError}, {TunnelLimitError}
   */
  open(channel: string, choice: ListenChoice): ChannelListener {
    const { limit, backlog } = this.#init
    if (this.has(channel)) {
      throw new AlreadyListeningError(
        `this tunnel listens on ${JSON.stringify(channel)} already: close that listener first`
      )
    }
    if (this.size >= limit) {
      throw new TunnelLimitError(
        `cannot listen on ${JSON.stringify(channel)}: limits.listeners (${limit}) is reached`
      )
    }
    const listener: ChannelListener = new ChannelListener({
      ...choice,
      channel,
      backlog,
      onPeers: () => this.#init.admits(channel),
      onClose: () => {
        this.delete(channel)
        this.#init.closed(channel)
      }
    })
    this.set(channel, listener)
    this.#init.opened(channel)
    return listener
  }
}
