/** Every default of the upgrader, once. Times in milliseconds. The README's table is compared with it. */
export const DEFAULTS = {
  upgradeTimeout: 10_000,
  maxParallelUpgrades: 64,
  maxParallelUpgradesPerSource: 8,
  maxWaitingUpgrades: 1_024,
  inboundRatePerSource: 20,
  inboundBurstPerSource: 40,
  maxSources: 4_096,
  penalty: 5_000,
  penaltyThreshold: 15_000,
  maxPenalty: 600_000,
  acceptQueueLength: 16,
  acceptTimeout: 15_000,
  earlyMuxers: false,
  streamNegotiationTimeout: 10_000,
  maxInboundStreams: 32,
  maxOutboundStreams: 64,
  maxHeldStreams: 1_000,
  closeTimeout: 5_000,
  nonceTimeout: 5_000
} as const
