import { WarrenError } from '@warren/interface'
import { describeError } from '@warren/utils'

/** One address of a failed dial: how far it came, how long it took, and why it ended. */
export interface DialAttempt {
  readonly address: string
  /**
   * The step that failed. Before dialling: `resolve`, `gater`, `transport`, `backoff`, `limit`;
   * dialling: `connect`, then those of the upgrader (`psk`, `security`, `identity`, `muxer`);
   * `waiting` when the dial ended before its turn.
   */
  readonly step: string
  /** Milliseconds from the start of this attempt to its end; 0 when it was not dialled. */
  readonly duration: number
  readonly error: Error
}

/** Addresses that the message names; `attempts` and the report have them all. */
const IN_MESSAGE = 3

/**
 * Thrown when none of a peer's addresses could be connected to; `attempts` lists every one, and
 * `String(error)` is a report of one line per address.
 */
export class DialError extends WarrenError {
  override readonly name = 'DialError'
  readonly code = 'ERR_DIAL'
  /** The peer that was dialled, or `undefined` when only addresses were known. */
  readonly peer: string | undefined
  /** Every address of the dial, in the order in which they ended. */
  readonly attempts: readonly DialAttempt[]

  constructor(peer: string | undefined, attempts: readonly DialAttempt[], why?: string) {
    super(messageOf(peer, attempts, why), { cause: attempts.at(-1)?.error })
    this.peer = peer
    this.attempts = attempts
  }

  /** The report: a headline, then address, step, duration and cause of each attempt. */
  report(): string {
    const head = `cannot dial ${this.peer ?? 'the address'}: ${summary(this.attempts)}`
    const wide = Math.max(0, ...this.attempts.map(({ address }) => address.length))
    const lines = this.attempts.map(attempt => {
      const { address, step, duration, error } = attempt
      const time = `${Math.round(duration)} ms`.padStart(8)
      return `  ${address.padEnd(wide)}  ${step.padEnd(9)} ${time}  ${describeError(error, 160)}`
    })
    return [head, ...lines].join('\n')
  }

  override toString(): string {
    return this.report()
  }

  /** What `console.log` and the REPL print. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `${this.name} [${this.code}]: ${this.report()}`
  }
}

function messageOf(
  peer: string | undefined,
  attempts: readonly DialAttempt[],
  why: string | undefined
): string {
  const head = `cannot dial ${peer ?? 'the address'}: ${why ?? summary(attempts)}`
  if (attempts.length === 0) return head
  const named = attempts
    .slice(0, IN_MESSAGE)
    .map(({ address, step, error }) => `${address} (${step}: ${describeError(error, 100)})`)
  const more = attempts.length > IN_MESSAGE ? `; and ${attempts.length - IN_MESSAGE} more` : ''
  return `${head}: ${named.join('; ')}${more}`
}

function summary(attempts: readonly DialAttempt[]): string {
  if (attempts.length === 0) return 'no address of it is known; give its address, or a ticket'
  return attempts.length === 1
    ? 'its only address failed'
    : `none of its ${attempts.length} addresses worked`
}
