import type { NewStreamOptions, Stream, StreamMuxer } from '@libp2p/interface'
import { TooManyOutboundProtocolStreamsError } from '@libp2p/interface'
import { deadline, waitFor } from '@warren/utils'
import { StreamNegotiationTimeoutError, toError } from '../errors.ts'
import { selectProtocol } from '../multistream/select-protocol.ts'
import { guardStream } from './guard-stream.ts'
import { iterateByPull } from './iterate-by-pull.ts'
import { propose } from './propose.ts'
import { runMiddleware } from './run-middleware.ts'
import { handlerOptions } from './stream-context.ts'
import type { StreamContext } from './stream-context.ts'
import { StreamPlace } from './stream-place.ts'

/** Opens a stream and negotiates the first of `protocols` that the peer speaks. */
export async function openStream(
  context: StreamContext,
  muxer: StreamMuxer,
  protocols: readonly string[],
  options: NewStreamOptions
): Promise<Stream> {
  const { streamNegotiationTimeout } = context.options
  const only = protocols.length === 1 ? protocols[0] : undefined
  const place = new StreamPlace(context, 'outbound')
  const limit = deadline(
    streamNegotiationTimeout,
    () =>
      new StreamNegotiationTimeoutError(
        `the peer did not negotiate ${protocols.join(', ')} within ${streamNegotiationTimeout} ms`
      ),
    options.signal
  )
  let stream: Stream | undefined
  try {
    // With one protocol its place is taken before anything is sent.
    if (only !== undefined) takePlace(context, place, only, options)
    const opened = await createStream(muxer, only, limit.signal)
    stream = opened
    iterateByPull(opened, muxer.protocol)
    place.bind(opened)
    return await guardStream(opened, limit, async () => {
      const { protocol, agreed } = await agree(context, opened, protocols, options)
      if (only === undefined) takePlace(context, place, protocol, options)
      place.countFor(opened, protocol)
      if (agreed === undefined) await context.rememberProtocol(protocol)
      // What goes wrong is told by the stream itself.
      else agreed.then(async () => context.rememberProtocol(protocol)).catch(() => {})
      context.components.metrics?.trackProtocolStream(opened)
      const middleware = [...context.components.registrar.getMiddleware(protocol)]
      if (middleware.length === 0) return opened
      return (await runMiddleware(opened, context.connection, middleware)).stream
    })
  } catch (error) {
    if (stream === undefined) place.end()
    throw error
  } finally {
    limit.clear()
  }
}

/**
 * Agrees on one of the protocols. With `negotiateFully: false` and a protocol that is the only one,
 * or that the peer is known to speak, the answer is not waited for.
 */
async function agree(
  context: StreamContext,
  stream: Stream,
  protocols: readonly string[],
  options: NewStreamOptions
): Promise<Agreement> {
  if (stream.protocol !== '') return { protocol: stream.protocol }
  const likely =
    options.negotiateFully === false ? await likelyProtocol(context, protocols) : undefined
  if (likely === undefined) {
    stream.protocol = await selectProtocol(stream, protocols)
    return { protocol: stream.protocol }
  }
  const ms = context.options.streamNegotiationTimeout
  const timeout = (): Error =>
    new StreamNegotiationTimeoutError(`the peer did not agree on ${likely} within ${ms} ms`)
  return { protocol: likely, agreed: propose(stream, likely, { ms, timeout }) }
}

/** What was agreed on, or will be when the peer has answered. */
interface Agreement {
  readonly protocol: string
  readonly agreed?: Promise<void>
}

/** The only protocol, or the first that the peer has used or told of (by identify). */
async function likelyProtocol(
  { components, connection, knows }: StreamContext,
  protocols: readonly string[]
): Promise<string | undefined> {
  if (protocols.length === 1) return protocols[0]
  const used = protocols.find(knows)
  if (used !== undefined || components.peerStore?.get === undefined) return used
  try {
    const told = await components.peerStore.get(connection.remotePeer)
    return protocols.find(protocol => told.protocols.includes(protocol))
  } catch {
    // Nothing is known of the peer.
    return undefined
  }
}

async function createStream(
  muxer: StreamMuxer,
  protocol: string | undefined,
  signal: AbortSignal
): Promise<Stream> {
  const creating = muxer.createStream({ signal, ...(protocol === undefined ? {} : { protocol }) })
  try {
    return await waitFor(creating, signal)
  } catch (error) {
    // A muxer that does not heed the signal may still open it.
    creating.then(
      stream => stream.abort(toError(error)),
      () => {}
    )
    throw error
  }
}

function takePlace(
  context: StreamContext,
  place: StreamPlace,
  protocol: string,
  options: NewStreamOptions
): void {
  const max =
    handlerOptions(context, protocol).maxOutboundStreams ??
    options.maxOutboundStreams ??
    context.options.maxOutboundStreams
  if (place.take(protocol, max)) return
  throw new TooManyOutboundProtocolStreamsError(
    `${max} outbound streams of "${protocol}" are open on this connection: close one, or raise maxOutboundStreams`
  )
}
