import type {
  ComponentLogger,
  Connection,
  ConnectionEncrypter,
  ConnectionGater,
  ConnectionProtector,
  Metrics,
  PeerId,
  PeerStore,
  StreamMuxerFactory
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type {
  ResourceLimiter,
  SlotGrantingUpgrader,
  SlotRequest,
  UpgradeSlot
} from '@warren/interface'
import type { UpgradeStep } from './errors.ts'

/** What the upgrader takes from its host. Optional parts are looked up each time they are needed. */
export interface UpgraderComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  /** Protocols and handlers of inbound streams. */
  readonly registrar: Pick<Registrar, 'getProtocols' | 'getHandler' | 'getMiddleware'>
  readonly connectionGater?: ConnectionGater | undefined
  /** A pre-shared key; see {@link preSharedKey}. */
  readonly connectionProtector?: ConnectionProtector | undefined
  /** Told which protocols a peer speaks, once per protocol and connection, and asked for them. */
  readonly peerStore?: (Pick<PeerStore, 'merge'> & Partial<Pick<PeerStore, 'get'>>) | undefined
  /** Counts connections, streams and held bytes, and refuses streams beyond its limits. */
  readonly limiter?: ResourceLimiter | undefined
  readonly metrics?: Pick<Metrics, 'trackMultiaddrConnection' | 'trackProtocolStream'> | undefined
}

/** Options of {@link createUpgrader}. Numbers are integers ≥ 1, times are milliseconds. */
export interface UpgraderInit {
  /** Security protocols, preferred first. */
  readonly connectionEncrypters: readonly ConnectionEncrypter[]
  /** Stream muxers, preferred first. With none, connections carry no streams. */
  readonly streamMuxers: readonly StreamMuxerFactory[]
  /**
   * Milliseconds for a whole upgrade, either direction, from its start; the wait for a slot does
   * not count. When they are over the connection is aborted.
   *
   * @default 10_000
   */
  readonly upgradeTimeout?: number
  /**
   * Inbound upgrades under way at a time, over all views. Further ones wait for a slot.
   *
   * @default 64
   */
  readonly maxParallelUpgrades?: number
  /**
   * Inbound upgrades under way at a time from one source (IPv4 /32, IPv6 /56). Further ones wait.
   * Loopback and unix sockets are exempt from every limit per source.
   *
   * @default 8
   */
  readonly maxParallelUpgradesPerSource?: number
  /**
   * Upgrades that wait for a slot, over all views; more are refused and counted.
   *
   * @default 1_024
   */
  readonly maxWaitingUpgrades?: number
  /**
   * Inbound upgrades per second and source, after the burst; more are refused and counted.
   *
   * @default 20
   */
  readonly inboundRatePerSource?: number
  /**
   * Inbound upgrades that a source may ask for at once.
   *
   * @default 40
   */
  readonly inboundBurstPerSource?: number
  /**
   * Sources remembered for their rate and penalties. At the limit the one that was seen longest ago
   * is forgotten. At least `maxParallelUpgrades + maxWaitingUpgrades + 1`.
   *
   * @default 4_096
   */
  readonly maxSources?: number
  /**
   * Milliseconds that one protocol violation (not a cut link) adds to the penalty of its source.
   *
   * @default 5_000
   */
  readonly penalty?: number
  /**
   * A penalty counts once it has grown to this; then the source is refused until it is over.
   *
   * @default 15_000
   */
  readonly penaltyThreshold?: number
  /**
   * No penalty grows beyond this.
   *
   * @default 600_000
   */
  readonly maxPenalty?: number
  /**
   * Upgraded connections that may wait in one accept queue; when they are that many, no upgrade of
   * that view starts, and those under way finish and queue too.
   *
   * @default 16
   */
  readonly acceptQueueLength?: number
  /**
   * Milliseconds that a connection waits in an accept queue; then it is aborted and counted.
   *
   * @default 15_000
   */
  readonly acceptTimeout?: number
  /**
   * Lets every encrypter settle the muxer in its handshake although several are configured. Saves a
   * round trip; with stock Noise safe only where every peer lists its muxers in the same order,
   * since peers choose by different rules. With one muxer, over TLS, and with encrypters that say so
   * (`SafeEarlyMuxers`) it is always safe and always on.
   *
   * @default false
   */
  readonly earlyMuxers?: boolean
  /**
   * Milliseconds for the negotiation of one stream, either direction.
   *
   * @default 10_000
   */
  readonly streamNegotiationTimeout?: number
  /**
   * Inbound streams per protocol and connection, where the handler's options do not say. More are
   * aborted.
   *
   * @default 32
   */
  readonly maxInboundStreams?: number
  /**
   * Outbound streams per protocol and connection, where neither the handler's options nor those of
   * `newStream` say. `newStream` rejects beyond it.
   *
   * @default 64
   */
  readonly maxOutboundStreams?: number
  /**
   * Inbound streams that wait, paused, until {@link startStreams}; more are aborted.
   *
   * @default 1_000
   */
  readonly maxHeldStreams?: number
  /**
   * Milliseconds that closing a connection or a view may take; then what is left is aborted.
   *
   * @default 5_000
   */
  readonly closeTimeout?: number
}

/** Options of {@link WarrenUpgrader.createView}; what is not given is as the upgrader has it. */
export interface ViewOptions {
  /** As {@link UpgraderInit.acceptQueueLength}, for this view. */
  readonly acceptQueueLength?: number
  /** As {@link UpgraderInit.acceptTimeout}, for this view. */
  readonly acceptTimeout?: number
}

/**
 * Upgraded inbound connections that nobody has taken yet, oldest first. Connections that die while
 * they wait are skipped and free their place. Iterating ends when the queue is closed.
 */
export interface AcceptQueue extends AsyncIterable<Connection> {
  /** Connections that wait. */
  readonly length: number
  /** Upgrades under way whose connections will come here. */
  readonly upgrading: number
  /** Connections that died or timed out in the queue, or were left in it when it closed. */
  readonly dropped: number
  /**
   * The next connection; several callers are served in the order in which they called. The caller
   * owns it: it calls {@link startStreams} when it is ready for streams.
   *
   * @throws the signal's reason; `ERR_ACCEPT_QUEUE_CLOSED` once the queue is closed
   */
  accept(signal?: AbortSignal): Promise<Connection>
  /**
   * Takes no more upgrades, waits for those under way (`closeTimeout` at most) and closes the
   * connections that nobody took. Idempotent.
   */
  close(): Promise<void>
}

/** An upgrader with its own accept queue, for one listener. */
export interface UpgraderView extends SlotGrantingUpgrader {
  /** Where inbound connections of this view come out. */
  readonly queue: AcceptQueue
  /**
   * Waits until one more inbound upgrade may start: this view's queue has room, and neither the
   * upgrader nor the source is at its limit. Sources take turns; within one it is first come, first
   * served.
   *
   * @throws the signal's reason; `ERR_UPGRADE_REFUSED` when the source is over its rate, under a
   * penalty, or too many wait; `ERR_ACCEPT_QUEUE_CLOSED` when the view is closed
   */
  slot(request: SlotRequest): Promise<UpgradeSlot>
  /** Closes the queue; see {@link AcceptQueue.close}. */
  close(): Promise<void>
}

/** One step of the upgrades so far. */
export interface StepStats {
  readonly attempts: number
  readonly failures: number
  /** Milliseconds spent in it, over all attempts that have ended. */
  readonly time: number
}

/** The upgrades of one direction so far. */
export interface DirectionStats {
  readonly attempts: number
  readonly failures: number
}

/** What an upgrader has done, and what it is doing. */
export interface UpgraderStats {
  readonly inbound: DirectionStats
  readonly outbound: DirectionStats
  readonly steps: Readonly<Record<UpgradeStep, StepStats>>
  /** Inbound upgrades refused before they began, by cause. */
  readonly refused: Readonly<Record<'rate' | 'penalty' | 'waiting', number>>
  /** Upgrades that wait for a slot now. */
  readonly waiting: number
  /** Slots in use now. */
  readonly slots: number
  /** Connections in the accept queues now. */
  readonly queued: number
  /** Connections that died, timed out or were left in an accept queue. */
  readonly dropped: number
  /** Sources remembered now. */
  readonly sources: number
}

/** libp2p's `Upgrader`, with slots, views and counters. Its own `queue` is the shared view. */
export interface WarrenUpgrader extends UpgraderView {
  /** A view for one listener: `transport.createListener({ upgrader: view })`. */
  createView(options?: ViewOptions): UpgraderView
  /** Counters since the start, and gauges of now. */
  stats(): UpgraderStats
  /** Closes the shared view and every other one. Idempotent. */
  close(): Promise<void>
}
