import type { Stream } from '@libp2p/interface'
import type { BenchStream } from './stack.ts'

/** A libp2p stream for the benchmark. */
export function fromStream(stream: Stream): BenchStream {
  return {
    write: chunk => stream.send(chunk),
    drained: async () =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          stream.removeEventListener('drain', done)
          stream.removeEventListener('close', closed)
          resolve()
        }
        const closed = (): void => reject(new Error('the stream closed'))
        stream.addEventListener('drain', done)
        stream.addEventListener('close', closed)
      }),
    onData: listener => {
      stream.addEventListener('message', ({ data }) => {
        if (data instanceof Uint8Array) listener(data)
        else for (const chunk of data) listener(chunk)
      })
    },
    onEnd: listener => stream.addEventListener('remoteCloseWrite', listener),
    end: () => {
      stream.close().catch(() => {})
    }
  }
}
