import type { Stream } from '@libp2p/interface'
import { toError } from './errors.ts'
import { isLive } from './streams/stream-context.ts'

/**
 * Ends the write side of each stream and resolves when the peer has ended its sides too. A stream
 * whose write side cannot be ended in peace is aborted. Bounded only by the signal.
 */
export async function closeStreams(streams: readonly Stream[], signal: AbortSignal): Promise<void> {
  const live = streams.filter(isLive)
  const ended = live.map(async stream => streamEnded(stream))
  for (const stream of live) {
    stream.close({ signal }).catch((thrown: unknown) => {
      if (isLive(stream)) stream.abort(toError(thrown))
    })
  }
  await Promise.all(ended)
}

async function streamEnded(stream: Stream): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('close', () => resolve(), { once: true })
  })
}
