import type { Slab } from '../wire/slab.ts'

/**
 * Where a connection writes its segments: the stack's side of `Tcb.poll`.
 *
 * The stack sets up the sink for the connection it is about to poll (addresses, pseudo-header sum),
 * keeps room for the IP header before the offset that it hands out, and completes IP header and
 * checksums in `commit`. A link with segmentation offload says so by `maxPayload`.
 */
export interface SegmentSink {
  /** The memory to write into; read again after each `reserve`. */
  readonly slab: Slab
  /**
   * The most payload bytes of one segment handed to `commit`, when the link or the kernel cuts it
   * into segments of the right size itself (TSO); 0 when each segment must fit the path as it is.
   */
  readonly maxPayload: number
  /**
   * Asks for room for one TCP segment.
   *
   * @param length TCP header and payload in bytes
   * @returns the offset in `slab`, even, where the TCP header is to start; -1 when the link takes no
   * more now, and the connection is to be polled again when it does
   */
  reserve(length: number): number
  /**
   * The segment has been written; its checksum field is 0.
   *
   * @param length as reserved
   * @param segmentSize 0 for one plain segment, else the payload size to cut it into
   */
  commit(length: number, segmentSize: number): void
}
