import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once `check` holds; fails with `what` when it does not within `ms` milliseconds. */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string,
  ms = 30_000
): Promise<void> {
  const limit = performance.now() + ms
  while (!(await check())) {
    if (performance.now() > limit) throw new Error(`waited ${ms} ms in vain until ${what}`)
    await sleep(10)
  }
}
