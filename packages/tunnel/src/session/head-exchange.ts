import { SessionProtocolError } from './errors.ts'
import { type DecodedHead, HeadDecoder } from './heads.ts'
import type { StreamPort } from './stream-port.ts'

/**
 * Reads the first frame of a stream. Afterwards the port is paused, and what came behind the head
 * is in `rest`: the caller resumes it once the session listens.
 *
 * @throws the signal's reason; {@link SessionProtocolError} when the bytes are no head, or the
 * stream ended before it was whole
 */
export function readHead(port: StreamPort, signal: AbortSignal): Promise<DecodedHead> {
  return new Promise((resolve, reject) => {
    const decoder = new HeadDecoder()
    const settle = (): void => {
      signal.removeEventListener('abort', onAbort)
      port.pause()
      port.use(SILENT)
    }
    const onAbort = (): void => {
      settle()
      reject(signal.reason as Error)
    }
    if (signal.aborted) {
      onAbort()
      return
    }
    signal.addEventListener('abort', onAbort)
    port.use({
      onBytes: chunk => {
        let decoded: DecodedHead | undefined
        try {
          decoded = decoder.push(chunk)
        } catch (error) {
          settle()
          reject(error as Error)
          return
        }
        if (decoded === undefined) return
        settle()
        // A copy: the view must outlast the event that brought it.
        resolve({ head: decoded.head, rest: new Uint8Array(decoded.rest) })
      },
      onDrain() {},
      onLost: cause => {
        settle()
        reject(new SessionProtocolError('the stream ended before its first frame', { cause }))
      }
    })
  })
}

const SILENT = { onBytes() {}, onDrain() {}, onLost() {} }
