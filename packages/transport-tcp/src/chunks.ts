import type { MessageStreamEvents, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'

/** A stream that keeps what comes while it has no `message` listener, and then holds its peer back. */
export interface HoldingStream extends TypedEventTarget<MessageStreamEvents> {
  readonly readableEnded: boolean
  /** Why the stream ended, where it did not end well. */
  readonly failure: Error | undefined
}

/**
 * The chunks of a stream as they come, until it ends; rejects when it is aborted or reset.
 *
 * A listener is there only while a chunk is waited for: so a loop that takes its time holds the
 * peer back like any other slow reader, and one that is left can be taken up again without loss.
 */
export async function* chunksOf(stream: HoldingStream): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = await nextChunk(stream)
    if (chunk === undefined) return
    yield chunk
  }
}

async function nextChunk(stream: HoldingStream): Promise<Uint8Array | undefined> {
  if (stream.readableEnded) {
    if (stream.failure !== undefined) throw stream.failure
    return undefined
  }
  const next = Promise.withResolvers<Uint8Array | undefined>()
  const onMessage = (event: StreamMessageEvent): void => {
    // At once, so that the stream gives no second chunk.
    stop()
    next.resolve(event.data instanceof Uint8Array ? event.data : event.data.subarray())
  }
  const onEnd = (): void => {
    if (stream.failure === undefined) next.resolve(undefined)
    else next.reject(stream.failure)
  }
  // Without an 'end' where something is left unread, which still comes once a pause is over.
  const onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) next.reject(event.error)
  }
  const stop = (): void => {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('end', onEnd)
    stream.removeEventListener('close', onClose)
  }
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  stream.addEventListener('message', onMessage)
  try {
    return await next.promise
  } finally {
    stop()
  }
}
