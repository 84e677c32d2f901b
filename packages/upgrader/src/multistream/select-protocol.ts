import type { MessageStream } from '@libp2p/interface'
import { UnsupportedProtocolError } from '@libp2p/interface'
import { printable } from '@warren/utils'
import { NegotiationError } from '../errors.ts'
import { MULTISTREAM, NOT_AVAILABLE, encodeLines } from './lines.ts'
import { talk } from './talk.ts'

/**
 * Agrees with the peer on the first of `protocols` that it speaks: the dialler's half of
 * multistream-select. Header and first proposal leave together.
 *
 * @throws `UnsupportedProtocolError` when the peer speaks none of them
 * @throws what {@link talk} throws
 */
export async function selectProtocol(
  stream: MessageStream,
  protocols: readonly string[]
): Promise<string> {
  const [first] = protocols
  if (first === undefined) throw new UnsupportedProtocolError('there is no protocol to propose')
  let proposed = 0
  let greeted = false
  const onLine = (text: string): string | undefined => {
    if (!greeted) {
      if (text !== MULTISTREAM) {
        throw new NegotiationError(`the peer said ${printable(text)} and not ${MULTISTREAM}`)
      }
      greeted = true
      return undefined
    }
    if (text === protocols[proposed]) return text
    if (text !== NOT_AVAILABLE) {
      throw new NegotiationError(
        `the peer answered ${printable(text)} to ${printable(protocols[proposed] ?? '')}`
      )
    }
    const next = protocols[++proposed]
    if (next === undefined) {
      throw new UnsupportedProtocolError(
        `the peer speaks none of ${protocols.map(name => printable(name)).join(', ')}`
      )
    }
    stream.send(encodeLines(next))
    return undefined
  }
  return talk(stream, onLine, encodeLines(MULTISTREAM, first))
}
