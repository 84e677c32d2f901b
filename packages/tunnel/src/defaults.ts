import { SESSION_DEFAULTS } from './session/session-options.ts'

/** Default of every option of the tunnel; times in milliseconds unless the name says otherwise. */
export const DEFAULTS = {
  open: false,
  tickets: [],
  ticketClockSkew: 60,
  nodes: [],
  reconnect: { first: 250, factor: 2, max: 30_000 },
  directRetry: { first: 2_000, factor: 2, max: 60_000 },
  discoverInterval: 60_000,
  mappingLifetime: 120_000,
  dialTimeout: 5_000,
  handshakeTimeout: 10_000,
  probeInterval: 10_000,
  probeTimeout: 5_000,
  probeMisses: 2,
  peers: { deny: [] },
  seal: false,
  acceptBacklog: 128,
  directories: [],
  peerDiscovery: [],
  linkConnections: true,
  idleLinkTimeout: 60_000,
  limits: {
    links: 256,
    nodes: 256,
    discovered: 64,
    tickets: 64,
    handshakes: 64,
    channels: 1_024,
    listeners: 1_024,
    sessionStreams: 4_096,
    controlBytes: 1_048_576
  },
  ...SESSION_DEFAULTS
} as const
