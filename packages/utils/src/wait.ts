/** A signal that fires at a deadline or with a parent signal, and can be let go of. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Stops the timer and lets go of the parent; afterwards the signal never fires. */
  clear(): void
}

/**
 * A signal that aborts after `ms` with `reason()`, or as soon as `parent` does.
 *
 * Unlike `AbortSignal.any([parent, AbortSignal.timeout(ms)])` it leaves no listener on a long-lived
 * parent and no timer behind once cleared. `ms` must be ours, never a number from a peer.
 */
export function deadline(ms: number, reason: () => Error, parent?: AbortSignal): Deadline {
  const controller = new AbortController()
  const onParent = (): void => {
    clear()
    controller.abort(parent?.reason)
  }
  const timer = setTimeout(() => {
    clear()
    controller.abort(reason())
  }, ms)
  function clear(): void {
    clearTimeout(timer)
    parent?.removeEventListener('abort', onParent)
  }
  if (parent?.aborted === true) onParent()
  else parent?.addEventListener('abort', onParent)
  return { signal: controller.signal, clear }
}

/**
 * `promise`, or a rejection with the signal's reason as soon as it aborts. The promise itself goes
 * on; its late rejection is swallowed, since nobody waits for it any more.
 */
export async function waitFor<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    promise.catch(() => {})
    throw signal.reason
  }
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
