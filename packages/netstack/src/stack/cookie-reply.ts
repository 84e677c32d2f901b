import type { SegmentSink } from '../tcp/segment-sink.ts'
import type { TcpConfig } from '../tcp/tcp-config.ts'
import { scaleFor } from '../tcp/terms.ts'
import { FLAG, NOP_NOP_TIMESTAMPS, TCP_HEADER, type TcpSegment, writeTcp } from '../wire/tcp.ts'

/** What a SYN-ACK with a cookie says. */
export interface CookieReply {
  readonly cookie: number
  /** Our timestamp, which carries the peer's options. */
  readonly timestamp: number
  readonly mss: number
  readonly config: TcpConfig
}

/** Window of the SYN-ACK: it is never scaled, and the connection does not exist yet. */
const WINDOW = 65535

/**
 * Writes the SYN-ACK of a cookie. Window scale and SACK are offered only with timestamps: without
 * them nothing would carry the peer's options to the third segment of the handshake.
 */
export function writeCookieReply(sink: SegmentSink, syn: TcpSegment, reply: CookieReply): void {
  const { config } = reply
  const timestamps = config.timestamps && syn.hasTimestamps
  const length = TCP_HEADER + (timestamps ? 20 : 4)
  const at = sink.reserve(length)
  if (at < 0) return
  writeTcp(
    sink.slab,
    at,
    syn.destinationPort,
    syn.sourcePort,
    reply.cookie,
    (syn.seq + 1) | 0,
    length,
    FLAG.syn | FLAG.ack,
    WINDOW
  )
  const view = sink.slab.view
  const options = at + TCP_HEADER
  view.setUint32(options, 0x02040000 | reply.mss)
  if (timestamps) {
    const sack = config.sack && syn.sackPermitted
    // SACK permitted takes the place of the two NOPs before the timestamps.
    view.setInt32(options + 4, sack ? 0x0402080a : NOP_NOP_TIMESTAMPS)
    view.setInt32(options + 8, reply.timestamp)
    view.setInt32(options + 12, syn.tsValue)
    const scaled = config.windowScaling && syn.windowScale >= 0
    view.setInt32(options + 16, scaled ? 0x01030300 | scaleFor(config) : 0x01010101)
  }
  sink.commit(length, 0)
}
