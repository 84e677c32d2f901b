import { readFileSync, readdirSync } from 'node:fs'

/** What is known of the process's file descriptors. */
export interface DescriptorUse {
  /** Descriptors the process may have open; `Infinity` where the system sets no limit. */
  readonly limit: number
  /** Sockets of this transport. */
  readonly held: number
  /** Everything else that was open when last counted. */
  readonly others: number
  /** Sockets that were refused, and dials that failed, for want of descriptors. */
  readonly refused: number
}

/** Injected so that tests need not exhaust the real process. */
export interface DescriptorBudgetInit {
  readonly limit: number
  /** Descriptors open in the process now; `undefined` where that cannot be known. */
  readonly count: () => number | undefined
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Open descriptors of a bare Node process, where they cannot be counted. */
const ASSUMED_OTHERS = 32
/** Least time between two counts: each lists a directory. */
const COUNT_INTERVAL = 250

/**
 * The process's file descriptors as a budget.
 *
 * libuv hides EMFILE: it accepts and closes by itself, so a full process looks to its diallers as
 * one that hangs up at random, and files and dials of the same process fail. So sockets are refused
 * and counted before the limit is reached; the last tenth is left to the rest of the process.
 */
export class DescriptorBudget {
  readonly limit: number
  readonly #count: () => number | undefined
  readonly #now: () => number
  /** Where accepted sockets stop; dials may use half of what remains, so that they still work. */
  readonly #inboundLimit: number
  readonly #outboundLimit: number
  #held = 0
  #others = ASSUMED_OTHERS
  #countedAt = Number.NEGATIVE_INFINITY
  #refused = 0

  constructor(init: DescriptorBudgetInit) {
    this.limit = init.limit
    this.#count = init.count
    this.#now = init.now
    const reserve = Math.min(256, Math.max(16, Math.ceil(init.limit / 10)))
    this.#inboundLimit = init.limit - reserve
    this.#outboundLimit = init.limit - Math.floor(reserve / 2)
  }

  /** Sockets that may wait unread: half of the budget, so that those that are served have room. */
  get waitingLimit(): number {
    return Math.max(1, Math.floor(this.#inboundLimit / 2))
  }

  /** Takes one descriptor for a socket, or counts a refusal and returns false. */
  take(direction: 'inbound' | 'outbound'): boolean {
    const most = direction === 'inbound' ? this.#inboundLimit : this.#outboundLimit
    // Far from the limit the others need no counting: they cannot matter.
    if (this.#held + this.#others >= most / 2) this.#recount()
    if (this.#held + this.#others >= most) {
      this.#refused++
      return false
    }
    this.#held++
    return true
  }

  /** Gives back what `take` has given, once the socket is closed. */
  release(): void {
    this.#held--
  }

  use(): DescriptorUse {
    this.#recount()
    return {
      limit: this.limit,
      held: this.#held,
      others: this.#others,
      refused: this.#refused
    }
  }

  #recount(): void {
    const now = this.#now()
    if (now - this.#countedAt < COUNT_INTERVAL) return
    this.#countedAt = now
    const open = this.#count()
    if (open !== undefined) this.#others = Math.max(0, open - this.#held)
  }
}

let shared: DescriptorBudget | undefined

/** The one budget of this process; the limit is read at the first call. */
export function processDescriptors(): DescriptorBudget {
  shared ??= new DescriptorBudget({
    limit: readLimit(),
    count: countDescriptors,
    now: () => performance.now()
  })
  return shared
}

/** The soft limit of open files. Node raises it to the hard one when it starts. */
function readLimit(): number {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(
      readFileSync('/proc/self/limits', 'utf8')
    )
    if (line !== null) return line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1])
  } catch {
    // Not Linux.
  }
  const report = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: number | string } }
  }
  const soft = Number(report.userLimits?.open_files?.soft)
  return Number.isFinite(soft) && soft > 0 ? soft : Number.POSITIVE_INFINITY
}

function countDescriptors(): number | undefined {
  for (const folder of ['/proc/self/fd', '/dev/fd']) {
    try {
      // The listing itself holds one.
      return readdirSync(folder).length - 1
    } catch {
      // No such folder, or no descriptor left to list it with: the last count stands.
    }
  }
  return undefined
}
