import type { StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { PlaintextStream } from './plaintext-stream.ts'
import type { Bytes } from './read-queue.ts'

/** Bytes that may wait for the loop before the stream is paused. */
const MAX_WAITING_BYTES = 65_536

/**
 * The stream's data. The stream is paused while 64 KiB wait for the loop, so a slow loop stalls the
 * sender instead of filling memory. Throws the error that ended the stream.
 */
export async function* readWithPauses(stream: PlaintextStream): AsyncGenerator<Bytes> {
  const waiting: Bytes[] = []
  let waitingBytes = 0
  let pausedHere = false
  let failure: Error | undefined
  let closed = stream.status !== 'open' && stream.status !== 'closing'
  let wake: (() => void) | undefined

  const notify = (): void => {
    wake?.()
    wake = undefined
  }
  const onMessage = (event: StreamMessageEvent): void => {
    waiting.push(event.data)
    waitingBytes += event.data.byteLength
    if (waitingBytes >= MAX_WAITING_BYTES && stream.readStatus === 'readable') {
      stream.pause()
      pausedHere = true
    }
    notify()
  }
  const onClose = (event: StreamCloseEvent): void => {
    failure = event.error
    closed = true
    notify()
  }
  /** A pause of somebody else is theirs to end. */
  const readOn = (): void => {
    if (pausedHere && stream.readStatus === 'paused') {
      pausedHere = false
      stream.resume()
    }
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
        waitingBytes -= data.byteLength
        yield data
        continue
      }
      // May hand over the next chunk before it returns.
      readOn()
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
    readOn()
  }
}
