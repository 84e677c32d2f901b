import type { Connection, Stream } from '@libp2p/interface'
import { TimeoutError } from '@libp2p/interface'

/**
 * Resolves when every stream of a closed connection has ended, so that the end of a connection is
 * told after the end of its streams. Streams that outlive it by `timeout` milliseconds are aborted.
 */
export async function streamsEnded(connection: Connection, timeout: number): Promise<void> {
  // The muxer may learn of the end after us, in the same dispatch.
  await Promise.resolve()
  const live = connection.streams.filter(isLive)
  if (live.length === 0) return
  const timer = setTimeout(() => {
    for (const stream of live.filter(isLive)) {
      stream.abort(new TimeoutError('the connection of this stream has ended'))
    }
  }, timeout)
  await Promise.all(live.map(ended))
  clearTimeout(timer)
}

function isLive(stream: Stream): boolean {
  return stream.status === 'open' || stream.status === 'closing'
}

async function ended(stream: Stream): Promise<void> {
  if (!isLive(stream)) return
  await new Promise<void>(resolve => {
    stream.addEventListener('close', () => resolve(), { once: true })
  })
}
