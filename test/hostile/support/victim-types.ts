/** How the victim's node is made; what is not given is as Warren has it. */
export interface VictimInit {
  readonly listen?: readonly string[]
  /** Milliseconds of a whole upgrade. Short, so that a test need not wait for the default of 10 s. */
  readonly upgradeTimeout?: number
  readonly streamNegotiationTimeout?: number
  readonly acceptTimeout?: number
  readonly writeStallTimeout?: number
  readonly maxConnections?: number
  /** The token of a tunnel that runs on the node. */
  readonly token?: string
}

export interface VictimAddress {
  readonly peer: string
  /** Without `/p2p`. */
  readonly addresses: readonly string[]
  readonly port: number
}

/** An error that a part of the node logged. */
export interface JournalEntry {
  readonly component: string
  /** Codes of the error and its causes, outermost first. */
  readonly codes: readonly string[]
  readonly message: string
}

/** Sizes of the tables that an attacker can fill, without those of the honest peer. */
export interface Tables {
  readonly connections: number
  readonly streams: number
  /** Muxers of open connections, and what they hold. */
  readonly muxers: number
  readonly held: number
  readonly control: number
  /** Slots in use, upgrades that wait, connections that nobody took. */
  readonly slots: number
  readonly waiting: number
  readonly queued: number
  /** Sockets of the listeners. */
  readonly sockets: number
  /** Links, and proofs of links under way. */
  readonly links: number
  readonly sessions: number
  /** Open file descriptors. */
  readonly descriptors: number
}

/** What is looked at while an attack runs. */
export type Measured = 'time' | 'memory'

/** What the node went through since `begin`. */
export interface Report {
  /** Bytes of `heapUsed + external` after a forced collection: before, and the most seen since; when memory is measured. */
  readonly before: number
  readonly peak: number
  /** Milliseconds of event-loop delay. */
  readonly p99: number
  readonly max: number
  /** 99th percentile of the CPU milliseconds that one turn of the loop takes; no other process adds to it. */
  readonly busy: number
  /** Milliseconds of CPU time, and of the clock. */
  readonly cpu: number
  readonly elapsed: number
  readonly journal: readonly JournalEntry[]
}
