import { describeError } from '@warren/utils'
import { attemptsOf, describeDial } from '../node/describe-dial.ts'

/** Characters of the longest message. */
const MAX = 2_048

/**
 * An error and its causes in one line. The report of a dial, which names every address with every
 * cause, is said in short; `DEBUG=warren:*` has it whole.
 */
export function describeFailure(error: unknown): string {
  const short = describeDial(error)
  if (short === undefined || !(error instanceof Error)) return describeError(error, MAX)
  const own = 'attempts' in error && attemptsOf(error) !== undefined
  if (own) return describeError(new Error(`cannot reach the peer: ${short}`), MAX)
  // The causes below are the dial itself: not once more.
  const { message } = error
  return describeError(new Error(message.includes(short) ? message : `${message}: ${short}`), MAX)
}
