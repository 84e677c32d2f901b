import type {
  ConnectionEncrypter,
  Logger,
  PeerId,
  StreamMuxerFactory,
  UpgraderOptions
} from '@libp2p/interface'
import type { UpgradeSlot } from '@warren/interface'
import type { ResolvedOptions } from '../options.ts'
import type { UpgradeCounters } from '../stats.ts'
import type { UpgraderComponents } from '../types.ts'

/** What every upgrade of one upgrader shares. */
export interface UpgradeContext {
  readonly components: UpgraderComponents
  readonly options: ResolvedOptions
  readonly encrypters: ReadonlyMap<string, ConnectionEncrypter>
  readonly muxers: ReadonlyMap<string, StreamMuxerFactory>
  readonly counters: UpgradeCounters
  readonly log: Logger
  /** An id for the next connection. */
  nextId(): string
}

/** What may be given to `upgradeInbound` and `upgradeOutbound`. */
export interface UpgradeOptions extends UpgraderOptions {
  readonly slot?: UpgradeSlot
  readonly skipEncryption?: boolean
  readonly remotePeer?: PeerId
}

/** `inbound` upgrades answer, `outbound` ones ask; see `initiator` of libp2p's `UpgraderOptions`. */
export type UpgradeRole = 'inbound' | 'outbound'
