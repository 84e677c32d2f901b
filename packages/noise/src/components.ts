import type { Metrics, PrivateKey, Upgrader } from '@libp2p/interface'

/** What {@link noise} needs of the node that it is part of; libp2p and Warren's swarm have it. */
export interface NoiseComponents {
  /** The node's identity. */
  readonly privateKey: PrivateKey
  /** Knows the muxers; without it they are left to multistream-select. */
  readonly upgrader?: Pick<Upgrader, 'getStreamMuxers'>
  /** Where handshakes and records are counted. */
  readonly metrics?: Metrics
}
