import assert from 'node:assert/strict'
import type { SegmentSink } from '../../src/tcp/segment-sink.ts'
import { Slab } from '../../src/wire/slab.ts'
import { TcpSegment, parseTcp } from '../../src/wire/tcp.ts'

/** Keeps what a connection sends, parsed. */
export class ListSink implements SegmentSink {
  slab = new Slab(0x1_0000)
  readonly maxPayload = 0
  readonly segments: TcpSegment[] = []
  /** Nothing can be written. */
  full = false

  reserve(): number {
    return this.full ? -1 : 0
  }

  commit(length: number): void {
    const segment = new TcpSegment()
    assert.ok(parseTcp(this.slab, 0, length, segment))
    this.segments.push(segment)
    this.slab = new Slab(0x1_0000)
  }
}
