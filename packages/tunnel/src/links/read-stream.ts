import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

/**
 * The bytes of a stream, pulled one chunk at a time: while nobody asks for the next chunk the stream
 * is paused, so a slow consumer stalls the sender. (The stock iterator of a stream buffers without
 * bound.)
 *
 * Ends when the peer ends its direction; throws the reason when the stream breaks.
 */
export async function* readStream(stream: Stream): AsyncGenerator<Uint8Array> {
  // Chunks that were already on their way when the stream was paused.
  const chunks: Uint8Array[] = []
  let ended: { readonly error: Error | undefined } | undefined
  let wake = (): void => {}

  const onMessage = (event: StreamMessageEvent): void => {
    chunks.push(event.data instanceof Uint8Array ? event.data : event.data.subarray())
    pause(stream)
    wake()
  }
  const onEnd = (): void => {
    ended ??= { error: undefined }
    wake()
  }
  const onClose = (event: StreamCloseEvent): void => {
    ended ??= { error: event.error }
    wake()
  }

  stream.addEventListener('message', onMessage)
  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('close', onClose)
  try {
    if (stream.status !== 'open' && stream.status !== 'closing') ended = { error: undefined }
    else if (stream.remoteWriteStatus === 'closed') ended = { error: undefined }
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        yield chunk
        continue
      }
      if (ended !== undefined && stream.readBufferLength === 0) {
        if (ended.error !== undefined) throw ended.error
        return
      }
      const woken = new Promise<void>(resolve => {
        wake = resolve
      })
      if (!resume(stream)) {
        if (ended?.error !== undefined) throw ended.error
        if (chunks.length === 0) return
        continue
      }
      if (chunks.length > 0) continue
      if (ended === undefined) {
        await woken
        continue
      }
      // After the end, what the stream still holds comes within a turn, or not at all.
      await new Promise(resolve => setTimeout(resolve, 0))
      if (chunks.length > 0) continue
      if (ended.error !== undefined) throw ended.error
      return
    }
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('remoteCloseWrite', onEnd)
    stream.removeEventListener('close', onClose)
  }
}

/** A stream that has ended for reading refuses to be paused; nothing more comes from it then. */
function pause(stream: Stream): void {
  if (stream.readStatus === 'readable') stream.pause()
}

function resume(stream: Stream): boolean {
  if (stream.readStatus === 'closing' || stream.readStatus === 'closed') return false
  if (stream.readStatus === 'paused') stream.resume()
  return true
}
