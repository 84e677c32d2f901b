import { TCB_EVENT } from '../tcp/tcb-types.ts'
import type { Clock, ClockTimer } from './clock.ts'
import type { Connection } from './connection.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import type { NetInterface } from './net-interface.ts'

/** Segments of one connection per turn; then it goes to the end of the ready list. */
const SEGMENTS_PER_TURN = 100

/** Connections polled before the event loop gets its turn. */
const POLLS_PER_TURN = 256

/** What the scheduler asks its stack. */
export interface SchedulerHooks {
  /** The connection is closed: forget it. */
  retire(connection: Connection): void
  /** Called after each poll of a connection that lives. */
  polled(connection: Connection): void
}

/**
 * Gives connections their turns. Whoever does something to a connection calls `touch`; the
 * connection is then polled once for all that happened. One timer serves all deadlines.
 */
export class Scheduler {
  readonly #clock: Clock
  readonly #hooks: SchedulerHooks
  readonly #interfaces: ReadonlySet<NetInterface>
  readonly #timer: ClockTimer
  readonly #deadlines = new DeadlineHeap<Connection>()
  #first: Connection | undefined
  #last: Connection | undefined
  #running = false
  #scheduled = false
  #closed = false

  constructor(clock: Clock, interfaces: ReadonlySet<NetInterface>, hooks: SchedulerHooks) {
    this.#clock = clock
    this.#interfaces = interfaces
    this.#hooks = hooks
    this.#timer = clock.timer(() => this.#onTimer())
  }

  /** Deadlines that are armed. */
  get deadlines(): number {
    return this.#deadlines.size
  }

  /** Whether a turn is under way: this call comes from a handler of the application. */
  get running(): boolean {
    return this.#running
  }

  /** Something happened to the connection: it gets a turn, soon if none is under way. */
  touch(connection: Connection): void {
    this.enqueue(connection)
    this.wake()
  }

  /** Only puts it on the ready list; the caller runs the turn. */
  enqueue(connection: Connection): void {
    if (connection.ready || connection.retired) return
    connection.ready = true
    connection.nextReady = undefined
    if (this.#last === undefined) this.#first = connection
    else this.#last.nextReady = connection
    this.#last = connection
  }

  /** Packets were written outside of a turn, or a connection is ready: a turn comes soon. */
  wake(): void {
    if (this.#running || this.#scheduled || this.#closed) return
    this.#scheduled = true
    this.#clock.soon(() => this.#scheduledTurn())
  }

  /** Polls what is ready, sends what they wrote, arms the timer. */
  turn(now: number): void {
    if (this.#running || this.#closed) return
    this.#running = true
    try {
      for (let polls = 0; ; polls++) {
        const connection = this.#first
        if (connection === undefined) break
        if (polls === POLLS_PER_TURN) {
          this.#continueLater()
          break
        }
        this.#first = connection.nextReady
        if (this.#first === undefined) this.#last = undefined
        connection.ready = false
        connection.nextReady = undefined
        if (!connection.retired) this.#poll(connection, now)
      }
    } finally {
      this.#running = false
      // Handlers of the application run in here; when one throws, the rest must go on.
      if (this.#first !== undefined) this.#continueLater()
      this.#flush()
    }
    this.#armTimer()
  }

  /** The connection is closed: no turn and no deadline any more. */
  forget(connection: Connection): void {
    this.#deadlines.remove(connection)
  }

  close(): void {
    this.#closed = true
    this.#timer.clear()
  }

  #scheduledTurn(): void {
    this.#scheduled = false
    this.turn(this.#clock.now())
  }

  #continueLater(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    this.#clock.later(() => this.#scheduledTurn())
  }

  #poll(connection: Connection, now: number): void {
    const { tcb } = connection
    // Events first: what the application reads and answers leaves with this poll's acknowledgement.
    let events = this.#tell(connection)
    const output = connection.via.output
    output.target(connection)
    const more = tcb.poll(output, now, SEGMENTS_PER_TURN)
    events |= this.#tell(connection)
    if ((events & TCB_EVENT.closed) !== 0) {
      this.#hooks.retire(connection)
      return
    }
    if (more) this.enqueue(connection)
    this.#deadlines.arm(connection, tcb.nextDeadline())
    this.#hooks.polled(connection)
  }

  #tell(connection: Connection): number {
    const events = connection.tcb.takeEvents()
    if (events === 0) return 0
    const count = connection.halfOpenIn
    if (count !== undefined && (events & (TCB_EVENT.connected | TCB_EVENT.closed)) !== 0) {
      connection.halfOpenIn = undefined
      count.handshakeEnded(connection, (events & TCB_EVENT.connected) !== 0)
    }
    connection.owner?.onTcbEvents(events)
    return events
  }

  #onTimer(): void {
    const now = this.#clock.now()
    for (;;) {
      const connection = this.#deadlines.first
      if (connection === undefined || connection.deadline > now) break
      this.#deadlines.remove(connection)
      const due = connection.tcb.nextDeadline()
      if (due <= now) {
        connection.tcb.onTimer(now)
        this.enqueue(connection)
      } else this.#deadlines.arm(connection, due)
    }
    this.turn(now)
  }

  #flush(): void {
    for (const { output } of this.#interfaces) output.flush()
  }

  #armTimer(): void {
    const first = this.#deadlines.first
    if (first === undefined) this.#timer.clear()
    else this.#timer.set(first.deadline)
  }
}
