import type { Stream } from '@libp2p/interface'
import type { BenchStream } from './stack.ts'

/** A libp2p stream for the benchmark. */
export function fromStream(stream: Stream): BenchStream {
  return new MessageStreamAdapter(stream)
}

/** A class, so that the benchmark itself holds little for each of many streams. */
class MessageStreamAdapter implements BenchStream {
  readonly #stream: Stream

  constructor(stream: Stream) {
    this.#stream = stream
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.send(chunk)
  }

  async drained(): Promise<void> {
    const stream = this.#stream
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        stream.removeEventListener('drain', done)
        stream.removeEventListener('close', closed)
        resolve()
      }
      const closed = (): void => reject(new Error('the stream closed'))
      stream.addEventListener('drain', done)
      stream.addEventListener('close', closed)
    })
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#stream.addEventListener('message', ({ data }) => {
      if (data instanceof Uint8Array) listener(data)
      else for (const chunk of data) listener(chunk)
    })
  }

  onEnd(listener: () => void): void {
    this.#stream.addEventListener('remoteCloseWrite', listener)
  }

  end(): void {
    this.#stream.close().catch(() => {})
  }
}
