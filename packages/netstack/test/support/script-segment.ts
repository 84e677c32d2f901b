import { Slab } from '../../src/wire/slab.ts'
import { FLAG, TcpSegment, parseTcp, writeTcp } from '../../src/wire/tcp.ts'
import type { ScriptSegment } from './script-parser.ts'

const LETTERS: readonly (readonly [string, number])[] = [
  ['S', FLAG.syn],
  ['F', FLAG.fin],
  ['R', FLAG.rst],
  ['P', FLAG.psh],
  ['U', FLAG.urg],
  ['E', FLAG.ece],
  ['W', FLAG.cwr],
  ['.', FLAG.ack]
]

/** What the stream of either end holds at a relative sequence number: no short period, no accident. */
export function patternByte(at: number): number {
  return (Math.imul(at, 0x9e3779b1) >>> 24) ^ (at & 0xff)
}

/** Where both ends start: close to the wrap, so that every script crosses it. */
export interface Origins {
  /** Absolute number of relative 0 of the sender of the segment, and of its peer. */
  readonly seq: number
  readonly ack: number
}

/** A segment of a script as bytes, parsed again as the stack would. */
export function buildSegment(
  script: ScriptSegment,
  origins: Origins,
  extra: readonly string[]
): TcpSegment {
  const options = [...extra, ...(script.options ?? [])].flatMap(option =>
    encodeOption(option, origins)
  )
  while (options.length % 4 !== 0) options.push(0)
  const header = 20 + options.length
  const slab = new Slab(header + script.length)
  let flags = 0
  for (const [letter, flag] of LETTERS) if (script.flags.includes(letter)) flags |= flag
  writeTcp(
    slab,
    0,
    2000,
    1000,
    (script.seq + origins.seq) | 0,
    script.ack === undefined ? 0 : (script.ack + origins.ack) | 0,
    header,
    flags,
    script.window ?? 65_535,
    script.urgent ?? 0
  )
  slab.bytes.set(options, 20)
  for (let i = 0; i < script.length; i++) slab.bytes[header + i] = patternByte(script.seq + i)
  const segment = new TcpSegment()
  if (!parseTcp(slab, 0, header + script.length, segment)) {
    throw new Error('the script makes a malformed segment')
  }
  return segment
}

/** A segment as a script would write it; throws when its payload is not the pattern. */
export function describeSegment(segment: TcpSegment, origins: Origins): ScriptSegment {
  const flags = LETTERS.map(([letter, flag]) => ((segment.flags & flag) !== 0 ? letter : '')).join(
    ''
  )
  const seq = (segment.seq - origins.seq) | 0
  for (let i = 0; i < segment.length; i++) {
    const byte = segment.slab.bytes[segment.payload + i]
    if (byte !== patternByte(seq + i)) {
      throw new Error(`byte ${seq + i} is ${byte} and should be ${patternByte(seq + i)}`)
    }
  }
  const options: string[] = []
  if (segment.mss > 0) options.push(`mss ${segment.mss}`)
  if (segment.sackPermitted) options.push('sackOK')
  if (segment.hasTimestamps) options.push(`TS val ${segment.tsValue} ecr ${segment.tsEcho}`)
  if (segment.windowScale >= 0) options.push(`wscale ${segment.windowScale}`)
  if (segment.sackBlocks > 0) {
    const blocks: string[] = []
    for (let i = 0; i < segment.sackBlocks; i++) {
      const start = ((segment.sacks[2 * i] as number) - origins.ack) | 0
      const end = ((segment.sacks[2 * i + 1] as number) - origins.ack) | 0
      blocks.push(`${start}:${end}`)
    }
    options.push(`sack ${blocks.join(' ')}`)
  }
  return {
    flags,
    seq,
    length: segment.length,
    ack: (segment.flags & FLAG.ack) !== 0 ? (segment.ack - origins.ack) | 0 : undefined,
    window: segment.window,
    urgent: (segment.flags & FLAG.urg) !== 0 ? segment.urgent : undefined,
    options
  }
}

function encodeOption(text: string, origins: Origins): number[] {
  const [name = '', ...words] = text.split(/\s+/)
  switch (name) {
    case 'mss':
      return [2, 4, ...be(Number(words[0]), 2)]
    case 'wscale':
      return [3, 3, Number(words[0])]
    case 'sackOK':
      return [4, 2]
    case 'TS':
      return [8, 10, ...be(Number(words[1]), 4), ...be(Number(words[3]), 4)]
    case 'sack': {
      const edges = words.flatMap(block => block.split(':').map(Number))
      return [5, 2 + 4 * edges.length, ...edges.flatMap(edge => be((edge + origins.ack) | 0, 4))]
    }
    case 'raw':
      return words.map(word => Number.parseInt(word, 16))
    case 'noTS':
      return []
    default:
      throw new Error(`unknown option in a script: ${text}`)
  }
}

function be(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (value >>> (8 * (bytes - 1 - i))) & 0xff)
}
