import type { Link } from '../link/link.ts'
import type { SynCookieMode } from './listener.ts'
import type { StackCounts } from './stats.ts'

/** Where to connect to. */
export interface ConnectTarget {
  readonly address: string
  readonly port: number
  /**
   * Address of ours to connect from.
   * @default that of the interface's network
   */
  readonly localAddress?: string
  /**
   * Port of ours.
   * @default a free one
   */
  readonly localPort?: number
}

/** Where to listen. */
export interface ListenTarget {
  /**
   * Address of ours; any when absent. With `forwardTcp` it may be an address that is not ours.
   */
  readonly address?: string
  /** 1 to 65535, or 0 for a free one. */
  readonly port: number
  /** Handshakes under way for which state is kept; that of the stack when absent. */
  readonly backlog?: number
  /** That of the stack when absent. */
  readonly synCookies?: SynCookieMode
}

/** One link of a stack. */
export interface StackInterface {
  readonly link: Link
  /** Sends packets for a prefix (`10.2.0.0/16`, `::/0`) by this link. */
  addRoute(prefix: string): void
  /** Takes the link out of the stack; it stays open. */
  remove(): void
}

/** A snapshot of a stack's counts and sizes. */
export interface StackStats extends Readonly<StackCounts> {
  readonly connections: number
  readonly timeWaiting: number
  /** Timers that are armed. */
  readonly deadlines: number
  /** SYNs that wait for a decision. */
  readonly pendingSyns: number
  /** Bytes of memory of incomplete fragmented packets. */
  readonly reassemblyBytes: number
  readonly reassemblyPackets: number
}
