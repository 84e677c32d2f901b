/**
 * Lets the process end although `timer` runs. A browser has no process to keep, and its timers are
 * numbers: nothing is done there.
 */
export function unref(timer: ReturnType<typeof setTimeout>): void {
  const { unref: release }: { unref?: unknown } = timer
  if (typeof release === 'function') timer.unref()
}
