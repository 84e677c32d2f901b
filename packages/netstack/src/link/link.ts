import type { PacketBatch } from './packet-batch.ts'

/** What a link does for the stack above it. */
export interface LinkCapabilities {
  /**
   * The link completes transport checksums: the stack leaves the sum of the pseudo header in the
   * field and marks the packet `partial`. Without it every packet is sent complete.
   */
  readonly checksum: boolean
  /**
   * Largest packet in bytes that the link cuts into segments itself (TSO, GSO); 0 when it does not.
   * Such packets carry the payload size of a segment in `segmentSize`.
   */
  readonly segmentation: number
}

/** Counts of a link since it was made. */
export interface LinkStats {
  readonly packetsSent: number
  readonly bytesSent: number
  readonly packetsReceived: number
  readonly bytesReceived: number
  /** Packets that the link could not send: its queue was full, or the other side was not there. */
  readonly dropped: number
}

/**
 * Carries IP packets, in batches. Packets may be lost, reordered, duplicated; they are whole.
 *
 * The order of calls: `start` once, then any number of `send`; `close` once, after which nothing is
 * received and `send` drops. A link never calls its receiver from within `send`.
 */
export interface Link {
  /** Largest IP packet in bytes, as on the wire (after segmentation). */
  readonly mtu: number
  readonly capabilities: LinkCapabilities
  readonly stats: LinkStats
  /**
   * Sends the packets of a batch in order. The batch is the caller's again when it returns: a link
   * that sends later copies. What cannot be sent is dropped and counted, never thrown.
   */
  send(batch: PacketBatch): void
  /** From now on hands each batch that arrives to `receiver`, which does not keep it. */
  start(receiver: LinkReceiver): void
  /** Ends the link and whatever it holds open. Idempotent. */
  close(): void
}

/** What a link tells the stack above it. */
export interface LinkReceiver {
  /** Packets have arrived. The batch is lent for the length of the call. */
  onPackets(batch: PacketBatch): void
  /** The link has ended by itself: the interface was deleted, the socket failed. */
  onLinkClosed(error?: Error): void
}
