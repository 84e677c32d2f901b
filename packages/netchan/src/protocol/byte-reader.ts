import { type Varint, describeError, readVarint } from '@warren/utils'
import { CODE, Violation } from './codes.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads the fields of one frame; every length is checked before anything is made of it. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  byte(field: string): number {
    const value = this.#bytes[this.#at]
    if (value === undefined) throw short(field)
    this.#at++
    return value
  }

  /** An unsigned varint of at most `max`. */
  varint(field: string, max: number): number {
    const read = this.#read(field, max)
    if (read === undefined) throw short(field)
    this.#at += read.bytes
    return read.value
  }

  #read(field: string, max: number): Varint | undefined {
    try {
      return readVarint(this.#bytes, this.#at, max)
    } catch (error) {
      throw new Violation(CODE.protocol, `${field}: ${describeError(error)}`)
    }
  }

  /** Bytes behind their length; a view. */
  bytes(field: string, max: number): Uint8Array {
    const length = this.varint(field, max)
    if (length > this.left) throw short(field)
    const value = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return value
  }

  text(field: string, max: number): string {
    const bytes = this.bytes(field, max)
    try {
      return utf8.decode(bytes)
    } catch {
      throw new Violation(CODE.protocol, `${field}: not UTF-8`)
    }
  }

  /** Nothing may be left behind the last field. */
  end(frame: string): void {
    if (this.left > 0) throw new Violation(CODE.protocol, `${frame}: ${this.left} bytes too many`)
  }
}

function short(field: string): Violation {
  return new Violation(CODE.protocol, `${field}: the frame ends inside it`)
}
