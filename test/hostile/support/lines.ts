import { encodeLengthPrefixed } from '@warren/utils'

/** A line of multistream-select. */
export function line(text: string): Uint8Array {
  return encodeLengthPrefixed(Buffer.from(`${text}\n`))
}
