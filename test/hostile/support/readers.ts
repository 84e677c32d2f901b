import type { Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'

/** Ways of not reading a stream, by the protocol that gives it to them. */
export const STALLED_READERS: Readonly<Record<string, (stream: Stream) => void>> = {
  '/hostile/paused-listener': stream => {
    stream.addEventListener('message', () => stream.pause())
  },
  '/hostile/waiting-loop': stream => {
    void waitInLoop(stream)
  },
  '/hostile/byte-reader': stream => {
    const reader = byteStream(stream)
    reader.read({ bytes: 1 }).catch(() => {})
  },
  '/hostile/no-reader': () => {}
}

async function waitInLoop(stream: Stream): Promise<void> {
  for await (const _chunk of stream) await new Promise(() => {})
}
