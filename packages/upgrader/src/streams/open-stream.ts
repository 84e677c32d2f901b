import type { NewStreamOptions, Stream, StreamMuxer } from '@libp2p/interface'
import { TooManyOutboundProtocolStreamsError } from '@libp2p/interface'
import * as mss from '@libp2p/multistream-select'
import type { StreamScope } from '@warren/interface'
import { deadline, waitFor } from '@warren/utils'
import { StreamNegotiationTimeoutError, toError } from '../errors.ts'
import { guardStream } from './guard-stream.ts'
import { runMiddleware } from './run-middleware.ts'
import { handlerOptions, uncountAtEnd } from './stream-context.ts'
import type { StreamContext } from './stream-context.ts'

/** Opens a stream and negotiates the first of `protocols` that the peer speaks. */
export async function openStream(
  context: StreamContext,
  muxer: StreamMuxer,
  protocols: readonly string[],
  options: NewStreamOptions
): Promise<Stream> {
  const { streamNegotiationTimeout } = context.options
  const only = protocols.length === 1 ? protocols[0] : undefined
  // With one protocol its place is taken before anything is sent.
  if (only !== undefined) takePlace(context, only, options)
  const limit = deadline(
    streamNegotiationTimeout,
    () =>
      new StreamNegotiationTimeoutError(
        `the peer did not negotiate ${protocols.join(', ')} within ${streamNegotiationTimeout} ms`
      ),
    options.signal
  )
  let stream: Stream | undefined
  let scope: StreamScope | undefined
  try {
    scope = context.accounting.reserve()
    const opened = await createStream(muxer, only, limit.signal)
    stream = opened
    context.accounting.bind(opened, scope)
    if (only !== undefined) uncountAtEnd(context, opened, only)
    return await guardStream(opened, limit, async () => {
      await selectProtocol(opened, protocols)
      const { protocol } = opened
      if (only === undefined) {
        takePlace(context, protocol, options)
        uncountAtEnd(context, opened, protocol)
      }
      context.accounting.setProtocol(opened, protocol)
      await context.rememberProtocol(protocol)
      context.components.metrics?.trackProtocolStream(opened)
      const middleware = [...context.components.registrar.getMiddleware(protocol)]
      if (middleware.length === 0) return opened
      return (await runMiddleware(opened, context.connection, middleware)).stream
    })
  } catch (error) {
    if (stream === undefined) {
      scope?.close()
      if (only !== undefined) context.counts.remove(only, 'outbound')
    }
    throw error
  } finally {
    limit.clear()
  }
}

/**
 * Agrees on one of the protocols. The one place where that is waited for: with
 * `negotiateFully: false` and a single protocol the answer could be read behind the first bytes.
 */
async function selectProtocol(stream: Stream, protocols: readonly string[]): Promise<void> {
  if (stream.protocol === '') stream.protocol = await mss.select(stream, [...protocols])
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

function takePlace(context: StreamContext, protocol: string, options: NewStreamOptions): void {
  const max =
    handlerOptions(context, protocol).maxOutboundStreams ??
    options.maxOutboundStreams ??
    context.options.maxOutboundStreams
  if (context.counts.add(protocol, 'outbound', max)) return
  throw new TooManyOutboundProtocolStreamsError(
    `${max} outbound streams of "${protocol}" are open on this connection: close one, or raise maxOutboundStreams`
  )
}
