import type { RelayLimits } from './relay-server.ts'

/** Options of {@link createRelay}. */
export interface RelayOptions {
  /** State directory: identity and port are kept there. @default none: in memory */
  readonly home?: string
  /** Multiaddrs to listen on. @default all interfaces, on a port that is kept */
  readonly listen?: readonly string[]
  /** Multiaddrs told to those who reserve, instead of those listened on. @default [] */
  readonly announce?: readonly string[]
  /** Peer ids of members. @default [] */
  readonly allow?: readonly string[]
  /**
   * File with peer ids of members, one in a line; it is read again at each reservation.
   * @default none
   */
  readonly allowFile?: string
  /**
   * Pre-shared key of the network, 32 bytes or the text of a libp2p key file. Who has it is a member,
   * and nobody else can connect. @default none
   */
  readonly psk?: Uint8Array
  /** What a connection to a member may carry. @default 16 GiB, 24 hours */
  readonly memberLimits?: Partial<RelayLimits>
  /** `'none'`: only members get a seat. @default `'small'`: 128 KiB, 2 min, as libp2p has it */
  readonly strangers?: 'none' | 'small'
  /** Told of what went on but should be known. @default nobody */
  readonly onWarning?: (message: string) => void
  /** Ends the creation. */
  readonly signal?: AbortSignal
}

/** What a relay does now. */
export interface RelayReport {
  readonly peer: string
  readonly identity: 'kept' | 'ephemeral'
  readonly addresses: readonly string[]
  /** Listed members; `undefined` when everyone is one. */
  readonly members: number | undefined
  readonly memberLimits: RelayLimits
  /** What a connection to a stranger may carry; `undefined`: strangers get no seat. */
  readonly strangerLimits: RelayLimits | undefined
  /** Seats that are taken. */
  readonly seats: readonly { readonly peer: string; readonly member: boolean }[]
  /** Connections to this relay. */
  readonly connections: number
}

/** A relay: peers that cannot be reached take a seat here, and others reach them through it. */
export interface Relay {
  readonly peerId: string
  readonly identity: 'kept' | 'ephemeral'
  /** The process that has the kept identity, when that is why this one is ephemeral. */
  readonly identityHeldBy: number | undefined
  /** Multiaddrs with `/p2p/…` for the `relays` of nodes, best first. */
  addresses(): string[]
  status(): RelayReport
  /** Ends every seat and connection, within 5 s. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
