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

/**
 * Bytes of a peer that may wait to be read while a security protocol is negotiated. A line of the
 * negotiation has 1,024 bytes at most, and nobody sends more than a few before the answer.
 */
export const SECURITY_NEGOTIATION_BYTES = 16_384

/**
 * The same while a muxer is negotiated. The peer's first frames may come right behind its answer, in
 * one piece with it.
 */
export const MUXER_NEGOTIATION_BYTES = 262_144
