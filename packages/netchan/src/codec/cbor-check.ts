import { ValueInvalidError } from '../errors.ts'
import { MAJOR, MAP_TAG, mayBeTagged } from './cbor-tags.ts'

/** More than any codec may be asked for. */
export const GREATEST_DEPTH = 64

/** What is open: an array, a map whose keys become properties, or one that becomes a `Map`. */
const KIND = { array: 0, object: 1, map: 2 } as const

/** Items that are still to come in what is open; below 0: up to the break. */
const LEFT = { array: -1, mapKey: -2, mapValue: -3 } as const

const NO_TAG = -1
const BREAK = 0xff
const INDEFINITE = 31

// What is open at each depth. One check runs at a time, from its beginning to its end.
const left = new Float64Array(GREATEST_DEPTH + 1)
const kinds = new Uint8Array(GREATEST_DEPTH + 1)

/**
 * Looks through the bytes of one CBOR value before anything is made of them, without recursion, and
 * without allocating for what they claim.
 *
 * What it lets through becomes plain data of a size that the bytes bound: no nesting beyond
 * `maxDepth`, no length beyond the end, no property `__proto__`, no tag that is not known.
 *
 * @throws code `ERR_VALUE_INVALID`
 */
export function checkCbor(bytes: Uint8Array, maxDepth: number): void {
  const end = bytes.length
  let at = 0
  let depth = 0
  let tag = NO_TAG
  do {
    if (at >= end) throw invalid('ends early')
    const head = bytes[at++] ?? 0
    const expected = left[depth] ?? 0
    if (head === BREAK) {
      if (depth === 0 || tag !== NO_TAG || (expected !== LEFT.array && expected !== LEFT.mapKey)) {
        throw invalid('has a break at the wrong place')
      }
      depth = complete(depth - 1)
      continue
    }
    const major = head >> 5
    const info = head & 0x1f
    let argument = info
    if (info >= 24 && info < INDEFINITE) {
      const size = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : 0
      if (size === 0) throw invalid('has a head that means nothing')
      if (at + size > end) throw invalid('ends early')
      argument = 0
      for (const to = at + size; at < to; at++) argument = argument * 256 + (bytes[at] ?? 0)
    }
    if (tag !== NO_TAG && !mayBeTagged(tag, major, argument)) {
      throw invalid(`has the tag ${tag}, which does not travel, or not on this`)
    }
    if (depth > 0 && kinds[depth] === KIND.object && isKey(expected)) {
      checkKey(bytes, at, major, argument, tag)
    }
    switch (major) {
      case MAJOR.tag:
        if (info === INDEFINITE) throw invalid('has a head that means nothing')
        if (tag !== NO_TAG) throw invalid('has a tag on a tag')
        tag = argument
        continue
      case MAJOR.bytes:
      case MAJOR.text:
        if (info === INDEFINITE) throw invalid('has text or bytes in pieces')
        if (argument > end - at) throw invalid('ends early')
        at += argument
        break
      case MAJOR.array:
      case MAJOR.map: {
        if (++depth > maxDepth) throw invalid(`is nested deeper than ${maxDepth}`)
        const map = major === MAJOR.map
        const items = map ? argument * 2 : argument
        kinds[depth] = !map ? KIND.array : tag === MAP_TAG ? KIND.map : KIND.object
        tag = NO_TAG
        if (info === INDEFINITE) {
          left[depth] = map ? LEFT.mapKey : LEFT.array
          continue
        }
        if (items > end - at) throw invalid('ends early')
        left[depth] = items
        if (items > 0) continue
        depth--
        break
      }
      case MAJOR.simple:
        // false, true, null, undefined, and the floating-point numbers.
        if (info < 20 || info === 24 || info > 27) throw invalid('has a simple value that is none')
        break
      default:
        if (info === INDEFINITE) throw invalid('has a head that means nothing')
    }
    tag = NO_TAG
    depth = complete(depth)
  } while (depth > 0 || tag !== NO_TAG)
  if (at !== end) throw invalid('has something behind it')
}

/** An item is complete: what is open now, with all that it completed closed. */
function complete(depth: number): number {
  for (let open = depth; open > 0; open--) {
    const items = left[open] ?? 0
    if (items < 0) {
      if (items !== LEFT.array) left[open] = items === LEFT.mapKey ? LEFT.mapValue : LEFT.mapKey
      return open
    }
    left[open] = items - 1
    if (items > 1) return open
  }
  return 0
}

/** Whether the next item of a map is a key, by how many are to come. */
function isKey(items: number): boolean {
  return items === LEFT.mapKey || (items > 0 && items % 2 === 0)
}

function checkKey(
  bytes: Uint8Array,
  at: number,
  major: number,
  argument: number,
  tag: number
): void {
  if (tag !== NO_TAG || major > MAJOR.text || major === MAJOR.bytes) {
    throw invalid('has a property whose name is no text')
  }
  if (major !== MAJOR.text || argument !== PROTO.length) return
  for (let i = 0; i < PROTO.length; i++) if (bytes[at + i] !== PROTO[i]) return
  throw invalid('has a property __proto__')
}

const PROTO = new TextEncoder().encode('__proto__')

function invalid(what: string): ValueInvalidError {
  return new ValueInvalidError(`the encoded value ${what}`)
}
