import type { Stream } from '@libp2p/interface'

/** Sends back what comes, ends when the other side has ended, and stalls when it is not read. */
export function serveEcho(stream: Stream): void {
  stream.addEventListener('message', ({ data }) => {
    if (stream.writeStatus !== 'writable') return
    if (!stream.send(data)) stream.pause()
  })
  stream.addEventListener('drain', () => {
    if (stream.readStatus === 'paused') stream.resume()
  })
  stream.addEventListener('end', () => {
    if (stream.status === 'open') stream.close().catch(() => {})
  })
}

/** Holds a stream and reads nothing of it. */
export function serveSink(stream: Stream): void {
  stream.pause()
}
