import type { StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { PlaintextStream } from './plaintext-stream.ts'
import type { Bytes } from './read-queue.ts'

/**
 * The stream's data, one chunk at a time: it is paused while the consumer works on a chunk, so a
 * slow loop stalls the sender instead of filling memory. Throws the error that ended the stream.
 */
export async function* readWithPauses(stream: PlaintextStream): AsyncGenerator<Bytes> {
  const waiting: Bytes[] = []
  let failure: Error | undefined
  let closed = stream.status !== 'open' && stream.status !== 'closing'
  let wake: (() => void) | undefined

  const notify = (): void => {
    wake?.()
    wake = undefined
  }
  const onMessage = (event: StreamMessageEvent): void => {
    waiting.push(event.data)
    if (stream.readStatus === 'readable') stream.pause()
    notify()
  }
  const onClose = (event: StreamCloseEvent): void => {
    failure = event.error
    closed = true
    notify()
  }
  const ended = (): boolean =>
    (closed || stream.remoteWriteStatus === 'closed' || stream.readStatus === 'closed') &&
    stream.readBufferLength === 0

  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  stream.addEventListener('remoteCloseWrite', notify)
  try {
    while (true) {
      const data = waiting.shift()
      if (data !== undefined) {
        yield data
        continue
      }
      // May hand over the next chunk before it returns.
      if (stream.readStatus === 'paused') stream.resume()
      if (waiting.length > 0) continue
      if (ended()) break
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (failure !== undefined) throw failure
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
    stream.removeEventListener('remoteCloseWrite', notify)
    if (stream.readStatus === 'paused') stream.resume()
  }
}
