import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A peer that is said to listen on a channel. */
export interface ChannelProvider {
  readonly peer: PeerId
  /** Where it may be reached; empty when the swarm knows, or when it is linked already. */
  readonly addrs: readonly Multiaddr[]
}

/**
 * A way to find out who listens on a channel. The built-in one asks the links; others (a DHT, a
 * registry) tell of peers that are not linked yet, and the tunnel then links to them.
 *
 * What a directory says is a hint: the peer itself announces the channel on its link before it is
 * dialled, and both ends prove the link as always.
 */
export interface ChannelDirectory {
  /**
   * Secrets that this network's names can be hidden with where others can read them: 32 bytes for each
   * active token, derived from it; one that anybody can derive for a tunnel that is `open`; none for
   * one without a token, which should not tell its names then. Called first, and when tokens change.
   */
  setKeys?(keys: readonly Uint8Array[]): void
  /** A channel is listened on here from now on, or no longer. Repeating it is the directory's own. */
  announce(channel: string, open: boolean): void
  /**
   * Peers that listen on `channel`, as they are found; ends when all it knows is told. Called by a dial
   * that found no link to the channel, again after a pause while the dial waits; it is left as soon as
   * the dial has one.
   */
  find(channel: string, options: AbortOptions): AsyncIterable<ChannelProvider>
  /** Lets go of everything. Called once, when the tunnel closes. */
  close?(): Promise<void> | void
}
