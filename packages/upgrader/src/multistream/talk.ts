import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { ConnectionEndedError, NegotiationError, toError } from '../errors.ts'
import { readLine } from './lines.ts'

/** Lines that a peer may say in one negotiation; an honest one says a handful. */
const MAX_LINES = 64

const NOTHING = new Uint8Array(0)

/** A stream that tells whether its other end still sends. */
interface HalfClosing {
  readonly remoteWriteStatus?: string
}

/**
 * Sends `opening`, then gives each line from `stream` to `onLine` until that returns something,
 * which is the outcome; it may `send` on the stream meanwhile. Bytes behind the last line go back to the stream.
 *
 * It has no deadline of its own: whoever gives up aborts the stream, which ends it.
 *
 * @throws {NegotiationError} when the peer breaks the protocol
 * @throws the error that ended the stream, or {@link ConnectionEndedError}
 */
export async function talk<T>(
  stream: MessageStream,
  onLine: (text: string) => T | undefined,
  opening?: Uint8Array
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let held: Uint8Array = NOTHING
  let lines = 0

  const stop = (): void => {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('remoteCloseWrite', onEnd)
    stream.removeEventListener('close', onClose)
  }
  const fail = (error: Error): void => {
    stop()
    reject(error)
  }
  const onMessage = ({ data }: StreamMessageEvent): void => {
    const bytes = data instanceof Uint8Array ? data : data.subarray()
    held = held.length === 0 ? bytes : joined(held, bytes)
    try {
      let at = 0
      for (let line = readLine(held, at); line !== undefined; line = readLine(held, at)) {
        if (++lines > MAX_LINES) {
          throw new NegotiationError(`the peer proposed more than ${MAX_LINES} protocols`)
        }
        at = line.end
        const outcome = onLine(line.text)
        if (outcome === undefined) continue
        stop()
        if (at < held.length) stream.unshift(held.subarray(at))
        resolve(outcome)
        return
      }
      held = held.subarray(at)
      onEnd()
    } catch (error) {
      fail(toError(error))
    }
  }
  const onClose = (event: StreamCloseEvent): void => fail(event.error ?? ended())
  /** Some muxers tell the end before the bytes that came with it. */
  const onEnd = (): void => queueMicrotask(checkEnd)
  const checkEnd = (): void => {
    const { remoteWriteStatus } = stream as HalfClosing
    const over = stream.status !== 'open' && stream.status !== 'closing'
    const silent = remoteWriteStatus !== undefined && remoteWriteStatus !== 'writable'
    if ((over || silent) && stream.readBufferLength === 0) fail(ended())
  }

  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('close', onClose)
  // Last: with it, what has arrived already is delivered.
  stream.addEventListener('message', onMessage)
  try {
    if (opening !== undefined) stream.send(opening)
  } catch (error) {
    fail(toError(error))
  }
  onEnd()
  return promise
}

function ended(): Error {
  return new ConnectionEndedError('the peer ended the stream before a protocol was agreed on')
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length)
  bytes.set(a)
  bytes.set(b, a.length)
  return bytes
}
