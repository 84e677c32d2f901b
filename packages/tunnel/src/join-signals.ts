/** A signal that fires with either of two others, and can be let go of. */
export interface JoinedSignal {
  readonly signal: AbortSignal
  /** Lets go of both; afterwards the signal never fires. */
  clear(): void
}

/**
 * A signal that aborts with the reason of whichever of the two aborts first. Unlike
 * `AbortSignal.any` it leaves nothing on a long-lived one once cleared.
 */
export function joinSignals(a: AbortSignal, b: AbortSignal | undefined): JoinedSignal {
  const controller = new AbortController()
  const both = b === undefined ? [a] : [a, b]
  const clear = (): void => {
    for (const signal of both) signal.removeEventListener('abort', onAbort)
  }
  const onAbort = (): void => {
    clear()
    controller.abort(both.find(signal => signal.aborted)?.reason)
  }
  for (const signal of both) signal.addEventListener('abort', onAbort)
  if (both.some(signal => signal.aborted)) onAbort()
  return { signal: controller.signal, clear }
}
