import { memoryLinkPair, type MemoryLink, type MemoryLinkOptions } from '../src/link/memory-link.ts'
import { seededRandom } from '../src/link/seeded-random.ts'
import { createStack, type Stack } from '../src/stack/stack.ts'
import type { StackOptions } from '../src/stack/stack-options.ts'
import { VirtualClock } from '../src/stack/virtual-clock.ts'

/** Two stacks on one memory link in virtual time: `a` is 10.0.0.1 and fd00::1, `b` ends in 2. */
export interface Pair {
  readonly clock: VirtualClock
  readonly a: Stack
  readonly b: Stack
  readonly links: [MemoryLink, MemoryLink]
}

export const A4 = '10.0.0.1'
export const B4 = '10.0.0.2'
export const A6 = 'fd00::1'
export const B6 = 'fd00::2'

/** Makes a {@link Pair}; everything random in it comes from the seed. */
export function pair(
  options: {
    readonly link?: MemoryLinkOptions
    readonly a?: StackOptions
    readonly b?: StackOptions
    readonly seed?: number
  } = {}
): Pair {
  const seed = options.seed ?? 1
  const clock = new VirtualClock(1000)
  const links = memoryLinkPair({ seed, ...options.link, clock })
  const stack = (which: number, more: StackOptions | undefined): Stack =>
    createStack({
      clock,
      random: seededRandom(seed + which),
      secret: Uint8Array.from({ length: 16 }, (_, i) => seed + which * 16 + i),
      ...more
    })
  const a = stack(1, options.a)
  const b = stack(2, options.b)
  a.addInterface(links[0], [`${A4}/24`, `${A6}/64`])
  b.addInterface(links[1], [`${B4}/24`, `${B6}/64`])
  return { clock, a, b, links }
}
