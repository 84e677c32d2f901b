import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ByteSession, Mode, Session } from './session/session-types.ts'

/** Options of {@link Tunnel.listen}. */
export interface ListenOptions extends AbortOptions {
  /** Default `'unicast'`. */
  readonly mode?: Mode
  /** Accept byte sessions instead of message sessions. Default `false`. */
  readonly bytes?: boolean
  /** Milliseconds that `receive` of an accepted session waits. Default: no limit. */
  readonly readTimeout?: number
}

/** Options of {@link Tunnel.dial}. */
export interface DialOptions extends AbortOptions {
  readonly mode?: Mode
  readonly bytes?: boolean
  /** Use this link only. */
  readonly link?: string
  /** Use a link to this peer only. */
  readonly peer?: PeerId | string
  /** Milliseconds for the whole dial, discovery included. Default 5,000. */
  readonly timeout?: number
  /** Wait (within `timeout`) for the channel to appear on a link. Default `true`. */
  readonly wait?: boolean
}

/** Sessions that peers open on a channel of this tunnel. */
export interface Listener<S> extends AsyncIterable<S> {
  readonly channel: string
  /** The next session; rejects with code `ERR_LISTENER_CLOSED` once closed. */
  accept(options?: AbortOptions): Promise<S>
  close(): Promise<void>
}

export type LinkState = 'connecting' | 'connected' | 'error' | 'closed'

/** A proven connection to another tunnel. */
export interface Link {
  readonly id: string
  readonly peer: string
  readonly remoteAddr: string
  readonly direction: 'inbound' | 'outbound'
  readonly state: LinkState
  /** Messages queued towards the peer. */
  readonly delay: number
  /** Round-trip time in milliseconds (EWMA); `undefined` before the first sample. */
  readonly length: number | undefined
  /** Bits per second (EWMA); `undefined` before the first sample. */
  readonly rate: number | undefined
  /** Channels that the peer has announced on this link. */
  readonly channels: readonly string[]
  /** `true` when a ticket, not the network's token, proved this link. */
  readonly scoped: boolean
}

export interface TunnelEvents {
  link: (link: Link) => void
  unlink: (link: Link, error: Error | undefined) => void
  /** A channel appeared at a peer (`open`) or went away. */
  channel: (channel: string, link: Link, open: boolean) => void
  /** A node could not be linked; another attempt follows unless `fatal`. */
  'link-error': (error: Error, node: Multiaddr | PeerId, fatal: boolean) => void
}

/** The public face of a tunnel, as the packages above use it. */
export interface Tunnel {
  /** Starts links to the nodes; resolves when each was tried once. */
  connect(options?: AbortOptions): Promise<void>
  close(options?: AbortOptions): Promise<void>
  address(): string[]
  links(): Link[]
  /** Channels known at peers and listened on here. */
  channels(): { readonly channel: string; readonly peers: string[]; readonly local: boolean }[]
  listen(channel: string, options: ListenOptions & { readonly bytes: true }): Promise<Listener<ByteSession>>
  listen(channel: string, options?: ListenOptions & { readonly bytes?: false }): Promise<Listener<Session>>
  dial(channel: string, options: DialOptions & { readonly bytes: true }): Promise<ByteSession>
  dial(channel: string, options?: DialOptions & { readonly bytes?: false }): Promise<Session>
  on<E extends keyof TunnelEvents>(event: E, listener: TunnelEvents[E]): () => void
  /** Tries every node without a link now. */
  reconnect(): void
  status(): TunnelStatus
}

export interface TunnelStatus {
  readonly peer: string
  readonly addresses: string[]
  readonly links: Link[]
  readonly listening: string[]
  readonly sessions: number
  readonly detached: number
}
