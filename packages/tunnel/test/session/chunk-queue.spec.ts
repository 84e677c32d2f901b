import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ChunkQueue } from '../../src/session/chunk-queue.ts'

type Step =
  | { do: 'append'; length: number }
  | { do: 'shift'; max: number }
  | { do: 'drop'; part: number }
  | { do: 'slice'; from: number; part: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('append' as const),
      length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 2_000, max: 5_000 }))
    }),
    fc.record({ do: fc.constant('shift' as const), max: fc.integer({ min: 0, max: 6_000 }) }),
    fc.record({
      do: fc.constant('drop' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true })
    }),
    fc.record({
      do: fc.constant('slice' as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      part: fc.double({ min: 0, max: 1, noNaN: true })
    })
  ),
  { maxLength: 120 }
)

/** The byte at an offset. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 0xff

function check(chunk: Uint8Array, offset: number): void {
  for (let i = 0; i < chunk.length; i++) {
    if (chunk[i] !== byteAt(offset + i)) assert.fail(`wrong byte at ${offset + i}`)
  }
}

describe('chunk queue', () => {
  it('gives back the bytes of any offset it holds, whatever was appended and dropped', () => {
    fc.assert(
      fc.property(steps, list => {
        const queue = new ChunkQueue()
        for (const step of list) {
          switch (step.do) {
            case 'append': {
              const from = queue.end
              queue.append(Uint8Array.from({ length: step.length }, (_, i) => byteAt(from + i)))
              break
            }
            case 'shift': {
              const from = queue.start
              const chunk = queue.shift(step.max)
              if (chunk === undefined) assert.ok(queue.length === 0 || step.max === 0)
              else check(chunk, from)
              assert.equal(queue.start, from + (chunk?.length ?? 0))
              break
            }
            case 'drop': {
              const to = queue.start + Math.floor(queue.length * step.part)
              queue.dropTo(to)
              assert.equal(queue.start, to)
              break
            }
            case 'slice': {
              const from = queue.start + Math.floor(queue.length * step.from)
              const length = Math.floor((queue.end - from) * step.part)
              const parts: Uint8Array[] = []
              queue.slices(from, length, parts)
              let at = from
              for (const part of parts) {
                check(part, at)
                at += part.length
              }
              assert.equal(at, from + length)
              break
            }
          }
        }
        for (let at = queue.start; queue.length > 0; at = queue.start) {
          check(queue.shift(1e9) ?? assert.fail('nothing'), at)
        }
      }),
      { numRuns: 300 }
    )
  })

  it('refers to large chunks, and copies small ones together', () => {
    const queue = new ChunkQueue()
    const large = new Uint8Array(4_096)
    queue.append(large)
    assert.equal(queue.shift(1e9), large)
    for (let i = 0; i < 1_000; i++) queue.append(Uint8Array.of(i))
    let entries = 0
    while (queue.shift(1e9) !== undefined) entries++
    assert.ok(entries <= 4, `${entries} entries for 1,000 bytes`)
  })

  it('does not keep a large buffer alive for a small part of it', () => {
    const queue = new ChunkQueue()
    const buffer = new Uint8Array(1 << 20)
    queue.appendReceived(buffer.subarray(0, 5_000))
    assert.notEqual(queue.shift(1e9)?.buffer, buffer.buffer)
  })
})
