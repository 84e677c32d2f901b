import { UnsupportedProtocolError } from '@libp2p/interface'
import type { Stream } from '@libp2p/interface'
import { STREAM_CODE } from '@warren/interface'
import { toError } from '../errors.ts'
import { AnswerMatcher } from './answer-matcher.ts'
import { HeldReader } from './held-reader.ts'
import { withResetCode } from './reset-code.ts'
import { isLive } from './stream-context.ts'

/** How long the answer may take. */
export interface ProposeOptions {
  /** Milliseconds. */
  readonly ms: number
  /** What the stream is aborted with afterwards. */
  timeout(): Error
}

/**
 * Proposes a protocol and does not wait: the caller may send at once, behind the proposal, and read,
 * which starts once the peer has agreed. When it does not, the stream is aborted with the reason; so
 * readers get it.
 *
 * @returns resolves when the peer has agreed, rejects with what the stream was ended with otherwise
 */
export function propose(stream: Stream, protocol: string, options: ProposeOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const matcher = new AnswerMatcher(protocol)
  const timer = setTimeout(() => refuse(options.timeout()), options.ms)
  const reader = new HeldReader(stream, bytes => {
    try {
      const rest = matcher.push(bytes)
      if (rest === undefined) return
      settle()
      reader.release(rest)
      resolve()
    } catch (error) {
      refuse(toError(error))
    }
  })
  const onClose = ({ error }: { error?: Error }): void => {
    fail(error ?? silence())
  }
  const onRemoteEnd = (): void => refuse(silence())
  function silence(): Error {
    return new UnsupportedProtocolError(`the peer ended the stream before it agreed on ${protocol}`)
  }
  function settle(): void {
    clearTimeout(timer)
    stream.removeEventListener('close', onClose)
    stream.removeEventListener('remoteCloseWrite', onRemoteEnd)
  }
  function fail(error: Error): void {
    settle()
    reader.fail(error)
    reject(error)
  }
  function refuse(error: Error): void {
    fail(withResetCode(error, STREAM_CODE.negotiationFailed))
    if (isLive(stream)) stream.abort(error)
  }
  stream.addEventListener('close', onClose)
  stream.addEventListener('remoteCloseWrite', onRemoteEnd)
  stream.protocol = protocol
  promise.catch(() => {})
  try {
    stream.send(matcher.proposal)
  } catch (error) {
    refuse(toError(error))
  }
  return promise
}
