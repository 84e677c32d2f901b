import type { Tcb } from '../tcp/tcb.ts'
import { pseudoHeaderSum } from '../wire/checksum.ts'
import { PROTOCOL } from '../wire/ip.ts'
import { versionOf } from './address.ts'
import type { Timed } from './deadline-heap.ts'
import type { Flow, FlowEntry } from './flow-table.ts'
import type { OutputFlow } from './ip-output.ts'
import type { NetInterface } from './net-interface.ts'

/** Who is told what happens to a connection: its socket. */
export interface ConnectionOwner {
  /** `TCB_EVENT` bits; called within a turn of the stack. */
  onTcbEvents(events: number): void
}

/** Where a connection that is not open yet is counted. */
export interface HalfOpenCount {
  /** The handshake has ended, one way or the other. */
  handshakeEnded(connection: Connection, completed: boolean): void
}

/** A TCP connection in its stack: the Tcb, where it is, and its places in the stack's lists. */
export class Connection implements FlowEntry, OutputFlow, Timed {
  readonly tcb: Tcb
  readonly via: NetInterface
  readonly version: 4 | 6
  readonly local: Int32Array
  readonly localPort: number
  readonly remote: Int32Array
  readonly remotePort: number
  readonly pseudo: number
  owner: ConnectionOwner | undefined
  /** Set while the handshake of a passive open is under way. */
  halfOpenIn: HalfOpenCount | undefined

  nextInBucket: FlowEntry | undefined
  /** In the ready list, and what follows there. */
  ready = false
  nextReady: Connection | undefined
  deadline = Infinity
  place = -1
  retired = false

  constructor(tcb: Tcb, via: NetInterface, flow: Flow) {
    this.tcb = tcb
    this.via = via
    this.local = flow.local
    this.localPort = flow.localPort
    this.remote = flow.remote
    this.remotePort = flow.remotePort
    this.version = versionOf(flow.remote)
    this.pseudo = pseudoHeaderSum(this.version, flow.local, flow.remote, PROTOCOL.tcp)
  }
}
