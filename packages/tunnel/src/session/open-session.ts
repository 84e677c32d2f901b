import { Backoff, deadline } from '@warren/utils'
import { RESET } from './codes.ts'
import { SessionOpenError, SessionSealError } from './errors.ts'
import { encodeReset } from './frames.ts'
import { readHead } from './head-exchange.ts'
import type { DecodedHead } from './heads.ts'
import { sendOffer } from './offer-stream.ts'
import { refusalError } from './refusal.ts'
import type { DialledEnd } from './session-ends.ts'
import type { OpenRequest } from './session-host-types.ts'
import type { SessionOptions } from './session-options.ts'
import type { StreamPort } from './stream-port.ts'
import type { StreamSealer } from './stream-sealer.ts'

/** What {@link openSession} asks of its host. */
export interface OpenKeeper {
  now(): number
  random(): number
  retire(port: StreamPort): void
  /** Seals streams, where the host can. */
  readonly sealer: StreamSealer | undefined
}

/** A stream whose `open` was accepted. */
export interface OpenedStream {
  readonly port: StreamPort
  readonly linkId: string
  /** What came behind the answer. */
  readonly rest: Uint8Array
}

/**
 * Sends `open` on one stream after the other until a peer answers it; the core of `end` is attached
 * then. Streams that break are replaced for `headTimeout`, with back-off.
 *
 * @throws the signal's reason; what `openStream` throws; the error of a refusal;
 * {@link SessionOpenError}
 */
export async function openSession(
  request: OpenRequest,
  end: DialledEnd,
  options: SessionOptions,
  keeper: OpenKeeper,
  signal: AbortSignal
): Promise<OpenedStream> {
  const backoff = new Backoff(options.reattach, () => keeper.random())
  const giveUpAt = keeper.now() + options.headTimeout
  for (;;) {
    const opened = await tryOpen(request, end, options, keeper, signal)
    if ('port' in opened) return opened
    const wait = backoff.next()
    if (keeper.now() + wait > giveUpAt) {
      throw new SessionOpenError(
        `streams to peer ${request.peer} break before the session is open: try again`,
        { cause: opened.error }
      )
    }
    await sleep(wait, signal)
  }
}

/** One stream's try; an `error` says that another stream may do better. */
async function tryOpen(
  request: OpenRequest,
  end: DialledEnd,
  options: SessionOptions,
  keeper: OpenKeeper,
  signal: AbortSignal
): Promise<OpenedStream | { readonly error: unknown }> {
  const carrier = await request.openStream(signal)
  const offer = end.offer()
  const late = (): Error => new SessionOpenError(`peer ${request.peer} did not answer in time`)
  const limit = deadline(options.headTimeout, late, signal)
  let port: StreamPort | undefined
  let decoded: DecodedHead
  try {
    port = await sendOffer(carrier, offer, request, keeper.sealer, limit.signal)
    decoded = await readHead(port, limit.signal)
  } catch (error) {
    if (port === undefined) {
      signal.throwIfAborted()
      // It broke, or took too long, while it was sealed: nothing was opened.
      if (error instanceof SessionSealError) throw error
      return { error }
    }
    if (signal.aborted) {
      // The peer may have accepted, or may do so yet: it must not keep a session for nobody.
      port.send([encodeReset(RESET.cancelled, 'the dial was given up')])
      keeper.retire(port)
      throw signal.reason
    }
    const mayPass = port.isLost || limit.signal.aborted
    port.abort(error instanceof Error ? error : late())
    if (mayPass) return { error }
    throw error
  } finally {
    limit.clear()
  }
  const answer = end.answer(offer, decoded.head, keeper.now())
  if (answer.at === 'attached') return { port, linkId: carrier.linkId, rest: decoded.rest }
  keeper.retire(port)
  const error = refusalError(answer.code, request, request.peer)
  if (answer.at === 'again') return { error }
  throw error
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
