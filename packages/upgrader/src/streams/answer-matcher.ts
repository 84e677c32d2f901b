import { UnsupportedProtocolError } from '@libp2p/interface'
import { encodeLengthPrefixed } from '@warren/utils'

const HEADER = line('/multistream/1.0.0')
const NOT_AVAILABLE = line('na')

/** A line of multistream-select: its length as a varint, the text, a newline. */
function line(text: string): Uint8Array {
  return encodeLengthPrefixed(new TextEncoder().encode(`${text}\n`))
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/**
 * Reads a peer's answer to the proposal of one protocol, in any chunking. A peer that agrees sends the
 * proposal back, byte for byte; so nothing has to be kept of what was read but how far it matched.
 *
 * @see https://github.com/multiformats/multistream-select
 */
export class AnswerMatcher {
  /** What the dialler sends: the header and the protocol. */
  readonly proposal: Uint8Array
  readonly #protocol: string
  #matched = 0
  /** How far the answer is "not available" instead. */
  #refused = 0

  constructor(protocol: string) {
    this.#protocol = protocol
    this.proposal = concat(HEADER, line(protocol))
  }

  /**
   * Takes a chunk of the answer.
   *
   * @returns what follows the answer in the chunk once it is complete, `undefined` before
   * @throws UnsupportedProtocolError when the peer does not agree
   */
  push(chunk: Uint8Array): Uint8Array | undefined {
    for (let i = 0; i < chunk.length; i++) {
      if (this.#matched === this.proposal.length) return chunk.subarray(i)
      const byte = chunk[i]
      if (this.#refused === 0 && byte === this.proposal[this.#matched]) {
        this.#matched++
      } else if (this.#mayRefuse() && byte === NOT_AVAILABLE[this.#refused]) {
        this.#refused++
        if (this.#refused === NOT_AVAILABLE.length) {
          throw new UnsupportedProtocolError(`the peer does not speak ${this.#protocol}`)
        }
      } else {
        throw new UnsupportedProtocolError(
          `the peer answered the proposal of ${this.#protocol} with something else`
        )
      }
    }
    return this.#matched === this.proposal.length ? chunk.subarray(chunk.length) : undefined
  }

  /** "Not available" comes in the place of the protocol, behind the header. */
  #mayRefuse(): boolean {
    return this.#matched === HEADER.length
  }
}
