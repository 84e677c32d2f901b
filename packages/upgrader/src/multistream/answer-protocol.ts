import type { MessageStream } from '@libp2p/interface'
import { LIST, MULTISTREAM, NOT_AVAILABLE, encodeLines, encodeList } from './lines.ts'
import { talk } from './talk.ts'

const GREETING = encodeLines(MULTISTREAM)
const REFUSAL = encodeLines(NOT_AVAILABLE)

/**
 * Waits until the peer proposes one of `protocols`: the listener's half of multistream-select.
 *
 * @throws what {@link talk} throws
 */
export async function answerProtocol(
  stream: MessageStream,
  protocols: readonly string[]
): Promise<string> {
  return talk(stream, text => {
    if (protocols.includes(text)) {
      stream.send(encodeLines(text))
      return text
    }
    if (text === MULTISTREAM) stream.send(GREETING)
    else stream.send(text === LIST ? encodeList(protocols) : REFUSAL)
    return undefined
  })
}
