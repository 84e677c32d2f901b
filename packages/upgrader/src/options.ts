import { DEFAULTS } from './defaults.ts'
import { UpgraderOptionsError } from './errors.ts'
import type { UpgraderInit, ViewOptions } from './types.ts'

/** Every option of an upgrader with its value. */
export interface ResolvedOptions
  extends Required<Omit<UpgraderInit, 'connectionEncrypters' | 'streamMuxers'>> {}

/** The options with their defaults, checked. */
export function resolveOptions(init: UpgraderInit): ResolvedOptions {
  const options: ResolvedOptions = {
    upgradeTimeout: whole(init, 'upgradeTimeout'),
    maxParallelUpgrades: whole(init, 'maxParallelUpgrades'),
    maxParallelUpgradesPerSource: whole(init, 'maxParallelUpgradesPerSource'),
    maxWaitingUpgrades: whole(init, 'maxWaitingUpgrades'),
    inboundRatePerSource: whole(init, 'inboundRatePerSource'),
    inboundBurstPerSource: whole(init, 'inboundBurstPerSource'),
    maxSources: whole(init, 'maxSources'),
    penalty: whole(init, 'penalty'),
    penaltyThreshold: whole(init, 'penaltyThreshold'),
    maxPenalty: whole(init, 'maxPenalty'),
    ...resolveViewOptions(init),
    earlyMuxers: init.earlyMuxers ?? DEFAULTS.earlyMuxers,
    streamNegotiationTimeout: whole(init, 'streamNegotiationTimeout'),
    maxInboundStreams: whole(init, 'maxInboundStreams'),
    maxOutboundStreams: whole(init, 'maxOutboundStreams'),
    maxHeldStreams: whole(init, 'maxHeldStreams'),
    closeTimeout: whole(init, 'closeTimeout')
  }
  const inUse = options.maxParallelUpgrades + options.maxWaitingUpgrades
  if (options.maxSources <= inUse) {
    throw new UpgraderOptionsError(
      `maxSources (${options.maxSources}) must be over maxParallelUpgrades + maxWaitingUpgrades (${inUse})`
    )
  }
  return options
}

/** The options of a view; what is not given is as in `base`. */
export function resolveViewOptions(
  options: ViewOptions,
  base: Required<ViewOptions> = DEFAULTS
): Required<ViewOptions> {
  return {
    acceptQueueLength: whole(options, 'acceptQueueLength', base.acceptQueueLength),
    acceptTimeout: whole(options, 'acceptTimeout', base.acceptTimeout)
  }
}

type NumberOption = {
  [K in keyof typeof DEFAULTS]: (typeof DEFAULTS)[K] extends number ? K : never
}[keyof typeof DEFAULTS]

/** Timers of Node count to 2³¹ − 1 milliseconds; no option needs more. */
const MAX = 2 ** 31 - 1

/** The value of an option, an integer from 1 to 2³¹ − 1. */
export function whole(
  given: { readonly [K in NumberOption]?: number },
  name: NumberOption,
  otherwise: number = DEFAULTS[name]
): number {
  const value = given[name] ?? otherwise
  if (!Number.isInteger(value) || value < 1 || value > MAX) {
    throw new UpgraderOptionsError(`${name} must be an integer from 1 to ${MAX}, not ${value}`)
  }
  return value
}
