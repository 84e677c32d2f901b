/**
 * Lets the process end although `timer` runs. A browser has no process to keep, and its timers are
 * numbers: nothing is done there.
 */
export function unref(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') timer.unref()
}
