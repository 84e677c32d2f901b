import type { Context } from 'mocha'

/**
 * Skips the running test because the machine lacks something it needs, with the reason printed at
 * the end of the run. Under `.ci/run` (`WARREN_REQUIRE_ALL`) what is missing is a failure instead.
 */
export function skip(context: Context, reason: string): never {
  const test = context.currentTest ?? context.test
  if (process.env.WARREN_REQUIRE_ALL !== undefined)
    throw new Error(`missing on this machine: ${reason}`)
  if (test !== undefined) Object.assign(test, { skipReason: reason })
  return context.skip()
}
