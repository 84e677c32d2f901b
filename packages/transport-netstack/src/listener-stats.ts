import type { Listener } from '@libp2p/interface'

/** What a listener of this transport holds and what it has done since it was made. */
export interface NetstackListenerStats {
  /** Connections that are open, those being upgraded included. */
  readonly open: number
  /** SYNs that wait for the upgrader. */
  readonly waiting: number
  /** Connections accepted. */
  readonly accepted: number
  /** Connections that the upgrader took none of. */
  readonly refused: number
  /** Upgrades that failed. */
  readonly failed: number
  /** Diallers, by what became of them before any connection. */
  readonly associations: {
    /** Known now. */
    readonly open: number
    /** That have ever proven their address. */
    readonly attached: number
    /** That were beyond a limit. */
    readonly refused: number
    /** Whose cookie was old or not ours. */
    readonly forged: number
    /** Whose address changed, and was proven anew. */
    readonly moved: number
    /** Messages that were none, or for nobody here. */
    readonly stray: number
  }
}

/** A libp2p listener that tells what it holds. */
export interface NetstackListener extends Listener {
  stats(): NetstackListenerStats
}
