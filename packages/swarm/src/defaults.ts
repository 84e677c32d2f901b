/** Every default of a swarm, once. Times in milliseconds. The README's table is compared with it. */
export const DEFAULTS = {
  maxConnections: 300,
  maxConnectionsPerPeer: 8,
  maxStreams: 20_000,
  maxStreamsPerPeer: 8_192,
  maxStreamsPerConnection: 1_000,
  maxInboundStreamsPerProtocol: 64,
  maxBytes: 268_435_456,
  maxBytesPerPeer: 67_108_864,
  maxBytesPerConnection: 16_777_216,
  maxBytesPerProtocol: 33_554_432,
  lowWatermark: 160,
  highWatermark: 192,
  trimGrace: 60_000,
  dialTimeout: 30_000,
  addressDialTimeout: 15_000,
  connectTimeout: 5_000,
  resolveTimeout: 5_000,
  maxDials: 160,
  maxDialsPerPeer: 8,
  maxDialQueue: 500,
  maxAddressesPerDial: 25,
  newStreamTimeout: 10_000,
  closeTimeout: 5_000,
  crossedDialWindow: 2_000
} as const

/** Staggers of one dial, in milliseconds (RFC 8305 section 5, and go-libp2p's dial ranker). */
export const STAGGER = {
  /** Between two addresses on the public internet. */
  public: 250,
  /** Between two addresses of private networks, loopback and unix sockets. */
  private: 30,
  /** Relayed addresses wait this long while there are direct ones. */
  relay: 500
} as const

/** Back-off of an address after failed dials, in milliseconds: `base + coefficient × n²`, at most `max`. */
export const DIAL_BACKOFF = {
  base: 5_000,
  coefficient: 1_000,
  max: 300_000,
  /** Addresses remembered; the oldest is forgotten first. */
  maxEntries: 4_096
} as const

/**
 * Inbound connections that wait for a place in a full swarm, where the upgrader's options do not say
 * how many wait in an accept queue, and for how many milliseconds.
 */
export const LOBBY = { places: 16, timeout: 15_000 } as const
