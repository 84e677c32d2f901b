import { FLAG, TCP_HEADER, type TcpSegment, writeTcp } from '../wire/tcp.ts'
import type { SegmentSink } from './segment-sink.ts'

/**
 * Answers a segment that belongs to no connection (RFC 9293 §3.10.7.1): RST, with the
 * acknowledged number as its own when there was one. A RST is never answered.
 *
 * @returns `false` when nothing was written: the segment was a RST, or the sink is full
 */
export function writeReset(segment: TcpSegment, sink: SegmentSink): boolean {
  if ((segment.flags & FLAG.rst) !== 0) return false
  const at = sink.reserve(TCP_HEADER)
  if (at < 0) return false
  const acked = (segment.flags & FLAG.ack) !== 0
  const length =
    segment.end -
    segment.payload +
    ((segment.flags & FLAG.syn) !== 0 ? 1 : 0) +
    ((segment.flags & FLAG.fin) !== 0 ? 1 : 0)
  writeTcp(
    sink.slab,
    at,
    segment.destinationPort,
    segment.sourcePort,
    acked ? segment.ack : 0,
    acked ? 0 : (segment.seq + length) | 0,
    TCP_HEADER,
    acked ? FLAG.rst : FLAG.rst | FLAG.ack,
    0
  )
  sink.commit(TCP_HEADER, 0)
  return true
}
