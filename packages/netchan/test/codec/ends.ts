import assert from 'node:assert/strict'
import type { AttachEnd, ChannelEnd, Codec, ResolveEnd } from '../../src/codec/codec-types.ts'

/** For values without channels. */
export const noEnds: { readonly attach: AttachEnd; readonly resolve: ResolveEnd } = {
  attach: () => assert.fail('there is no channel in this value'),
  resolve: () => assert.fail('there is no channel in this value')
}

/** Numbers ends as they come, and gives them back. */
export class Ends {
  readonly ends: ChannelEnd[] = []
  readonly attach: AttachEnd = end => this.ends.push(end) - 1
  readonly resolve: ResolveEnd = (reference, kind) => {
    const end = this.ends[reference]
    assert.equal(end?.kind, kind)
    return end as ChannelEnd
  }
}

/** There and back, in a view of a larger frame that is overwritten afterwards. */
export function throughWire(
  codec: Codec,
  value: unknown,
  ends: Ends | typeof noEnds = noEnds
): unknown {
  const bytes = codec.encode(value, ends.attach)
  const frame = Buffer.alloc(bytes.length + 16, 0xa5)
  frame.set(bytes, 8)
  const decoded = codec.decode(frame.subarray(8, 8 + bytes.length), ends.resolve)
  frame.fill(0xa5)
  return decoded
}
