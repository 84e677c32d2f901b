import type { Stream } from '@libp2p/interface'
import { STREAM_CODE } from '@warren/interface'
import { toError } from '../errors.ts'
import { withResetCode } from './reset-code.ts'

/**
 * Runs a negotiation on a stream. When the signal fires or the time is over first, the stream is
 * aborted with the reason, which wakes whatever waits on it, and the reason is thrown; so the
 * negotiation itself needs no signal. A failure of the negotiation aborts the stream too.
 */
export function guardStream<T>(
  stream: Stream,
  limit: { readonly signal: AbortSignal } | { readonly ms: number; timeout(): Error },
  run: () => Promise<T>
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let clear = (): void => {}
    const fail = (thrown: unknown): void => {
      clear()
      const error = withResetCode(toError(thrown), STREAM_CODE.negotiationFailed)
      // Rejected first: the abort wakes `run`, whose own error says less.
      reject(error)
      stream.abort(error)
    }
    if ('ms' in limit) {
      const timer = setTimeout(() => fail(limit.timeout()), limit.ms)
      clear = () => clearTimeout(timer)
    } else {
      const { signal } = limit
      const onAbort = (): void => fail(signal.reason)
      clear = () => signal.removeEventListener('abort', onAbort)
      signal.addEventListener('abort', onAbort)
      if (signal.aborted) return onAbort()
    }
    run().then(value => {
      clear()
      resolve(value)
    }, fail)
  })
}
