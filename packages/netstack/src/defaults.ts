import type { TcpConfig } from './tcp/tcp-config.ts'

/** Defaults of the options of this package. */
export const DEFAULTS = {
  tcp: {
    sendBuffer: 4_194_304,
    receiveBuffer: 131_072,
    maxReceiveBuffer: 8_388_608,
    congestion: 'cubic',
    initialWindow: 10,
    noDelay: false,
    delayedAck: 40,
    minRto: 200,
    maxRto: 60_000,
    handshakeTimeout: 60_000,
    userTimeout: 300_000,
    keepAlive: 0,
    keepAliveInterval: 75_000,
    keepAliveProbes: 9,
    timeWait: 60_000,
    finWait2: 60_000,
    challengeAckInterval: 500,
    sack: true,
    timestamps: true,
    windowScaling: true
  } satisfies TcpConfig,
  maxConnections: 65_536,
  maxTimeWait: 16_384,
  backlog: 512,
  synCookies: 'auto',
  reassembly: { maxBytes: 4_194_304, maxPackets: 256 },
  forwarder: { maxPending: 1024, maxPendingPerSource: 64, decisionTimeout: 30_000 },
  unsolicited: { burst: 1000, perSecond: 1000 },
  routing: false
} as const
