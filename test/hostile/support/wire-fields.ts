import { encodeLengthPrefixed } from '@warren/utils'

/** Fields of a protobuf message by number; a varint as a number. */
export type Fields = ReadonlyMap<number, (number | Uint8Array)[]>

/** A field and its value: a number is sent as a varint, all else behind its length. */
export type Field = readonly [number, number | string | Uint8Array]

/** A message of the given fields. */
export function encodeFields(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) =>
      typeof value === 'number'
        ? [varint(number << 3), varint(value)]
        : [varint((number << 3) | 2), encodeLengthPrefixed(Buffer.from(value))]
    )
  )
}

/** @throws when it is no message of varints and bytes */
export function decodeFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>()
  let at = 0
  const next = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('the message is cut')
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = next()
    const values = fields.get(tag >> 3) ?? []
    fields.set(tag >> 3, values)
    const value = next()
    if ((tag & 7) === 0) {
      values.push(value)
    } else {
      values.push(bytes.subarray(at, at + value))
      at += value
    }
  }
  return fields
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}
