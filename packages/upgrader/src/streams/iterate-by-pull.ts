import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

type Bytes = StreamMessageEvent['data']

/** Muxers by which peers far away fill buffers; those within a process (of tests) are left alone. */
const NETWORK_MUXERS: ReadonlySet<string | undefined> = new Set(['/mplex/6.7.0', '/yamux/1.0.0'])

/**
 * Makes `for await` over a stock stream read by pulling: while the loop is busy the stream is paused,
 * so what its muxer limits stays limited. The stock iterator buffers all that comes, however slow the
 * loop, so any peer could fill the memory of whoever uses it. Streams of Warren's muxers, which can
 * be told from others by `countIn`, pull by themselves.
 */
export function iterateByPull(stream: Stream, muxer: string | undefined): void {
  if ('countIn' in stream || !NETWORK_MUXERS.has(muxer)) return
  Object.defineProperty(stream, Symbol.asyncIterator, {
    value: () => pull(stream),
    configurable: true,
    writable: true
  })
}

async function* pull(stream: Stream): AsyncGenerator<Bytes> {
  if (!isReadable(stream)) return
  /** More than one only when the stream was not to be paused: at its end. */
  const chunks: Bytes[] = []
  let pausedHere = false
  let ended = false
  let failure: Error | undefined
  let wake = (): void => {}

  const onMessage = (event: StreamMessageEvent): void => {
    chunks.push(event.data)
    if (stream.readStatus === 'readable') {
      stream.pause()
      pausedHere = true
    }
    wake()
  }
  const onEnd = (): void => {
    ended = true
    wake()
  }
  const onClose = (event: StreamCloseEvent): void => {
    failure = event.error
    onEnd()
  }
  /** A pause of somebody else is theirs to end. */
  const readOn = (): void => {
    if (pausedHere && stream.readStatus === 'paused') {
      pausedHere = false
      stream.resume()
    }
  }

  stream.addEventListener('message', onMessage)
  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('close', onClose)
  try {
    if (stream.remoteWriteStatus === 'closed') ended = true
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        yield chunk
        continue
      }
      // Gives what the stream holds before it returns.
      readOn()
      if (chunks.length > 0) continue
      if (ended && (stream.readBufferLength === 0 || !isReadable(stream))) break
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (failure !== undefined) throw failure
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('remoteCloseWrite', onEnd)
    stream.removeEventListener('close', onClose)
    readOn()
  }
}

function isReadable(stream: Stream): boolean {
  return stream.readStatus === 'readable' || stream.readStatus === 'paused'
}
