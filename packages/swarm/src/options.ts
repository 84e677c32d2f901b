import { DEFAULTS } from './defaults.ts'
import { SwarmOptionsError } from './errors.ts'
import type { Machine } from './limits/limit-values.ts'
import { limitsFor } from './limits/limit-values.ts'
import { thisMachine } from './limits/machine.ts'
import type { SwarmOptions } from './swarm-init.ts'

/** Every option with its value. */
export type ResolvedSwarmOptions = { readonly [Name in keyof typeof DEFAULTS]: number }

/** These may be 0: no window, no grace. */
const MAY_BE_ZERO = new Set<string>(['crossedDialWindow', 'trimGrace'])

/**
 * The options with their defaults, which are less on a small machine.
 *
 * @throws {SwarmOptionsError} naming the option that is unknown, no whole number or out of range
 */
export function resolveOptions(
  options: SwarmOptions = {},
  machine: Machine = thisMachine()
): ResolvedSwarmOptions {
  for (const name of Object.keys(options)) {
    if (!(name in DEFAULTS)) throw new SwarmOptionsError(`the swarm has no option "${name}"`)
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const resolved: ResolvedSwarmOptions = {
    ...DEFAULTS,
    ...limitsFor(machine, DEFAULTS),
    ...Object.fromEntries(given)
  }
  for (const [name, value] of Object.entries(resolved)) {
    const least = MAY_BE_ZERO.has(name) ? 0 : 1
    // Timers hold 31 bits; beyond it they fire at once.
    if (!Number.isInteger(value) || value < least || value > 0x7fff_ffff) {
      throw new SwarmOptionsError(
        `${name} is ${String(value)}; it must be a whole number from ${least} to 2147483647`
      )
    }
  }
  if (resolved.lowWatermark > resolved.highWatermark) {
    throw new SwarmOptionsError(
      `lowWatermark (${resolved.lowWatermark}) is above highWatermark (${resolved.highWatermark})`
    )
  }
  return resolved
}
