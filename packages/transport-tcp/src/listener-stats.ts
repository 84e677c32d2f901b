import type { Listener } from '@libp2p/interface'

/** What a listener of this transport holds and what it has done since it was made. */
export interface TcpListenerStats {
  /** Sockets that wait unread for the upgrader. */
  readonly waiting: number
  /** Sockets that are being upgraded. */
  readonly upgrading: number
  /** Sockets that are open, those being upgraded included. */
  readonly open: number
  /** Sockets that the kernel has given us. */
  readonly accepted: number
  /** Sockets that were refused at once, by cause. */
  readonly refused: {
    /** As many as `maxWaitingSockets` waited already. */
    readonly full: number
    /** The process was short of file descriptors. */
    readonly descriptors: number
    /** The upgrader takes no more from where they came from. */
    readonly source: number
  }
  /** Sockets that died, or had to make room, while they waited. */
  readonly abandoned: number
  /** Upgrades that failed. */
  readonly failed: number
}

/** A libp2p listener that tells what it holds. */
export interface TcpListener extends Listener {
  stats(): TcpListenerStats
}
