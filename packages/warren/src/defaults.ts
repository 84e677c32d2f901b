/** Default of every option of {@link createNode}; times in milliseconds. */
export const DEFAULTS = {
  portName: 'node',
  announce: [],
  tickets: [],
  peers: [],
  dht: false,
  lan: false,
  relays: []
} as const

/** Defaults of the options of a channel between nodes. */
export const CHANNEL_DEFAULTS = {
  mode: 'broadcast',
  role: 'both',
  size: 64,
  capacity: 64
} as const

/** How long a ticket can be used when nothing else is said: 30 days, in milliseconds. */
export const TICKET_LIFETIME = 30 * 86_400_000

/** How long `open` waits for the peer and its channel, in milliseconds. */
export const OPEN_TIMEOUT = 30_000

/** How long a linked peer has to announce the channel before it counts as unknown, in milliseconds. */
export const CHANNEL_GRACE = 3_000

/** How long closing a node may take before what is left is destroyed, in milliseconds. */
export const CLOSE_TIMEOUT = 5_000

/**
 * How long a node's links may take to end, in milliseconds, once its shares and openings have closed
 * (which take 5 s at most): resets and farewells have to reach the peers.
 */
export const LEAVE_TIMEOUT = 2_000

/** How often a process looks for tickets that another one has revoked, in milliseconds. */
export const REVOCATION_POLL = 2_000

/**
 * How long a new local connection waits for the link when that is broken, in milliseconds: longer
 * than a share takes to come back, shorter than programs take to give up by themselves.
 */
export const LOCAL_PATIENCE = 20_000

/** What a relayed connection to a member of the relay's network may carry, unless told otherwise. */
export const MEMBER_LIMITS = { bytes: 16 * 2 ** 30, seconds: 86_400 } as const

/** The same for strangers: libp2p's defaults. */
export const STRANGER_LIMITS = { bytes: 2 ** 17, seconds: 120 } as const
