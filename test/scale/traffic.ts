import type { Stream } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'

/** What a node has sent over the streams of some protocols. */
export class Traffic {
  readonly #opened = new Map<string, number>()
  #bytes = 0

  /** Counts what `swarm` opens and sends from now on. */
  constructor(swarm: Swarm, protocols: readonly string[]) {
    for (const protocol of protocols) {
      const middleware = (stream: Stream, connection: never, next: Next): void => {
        if (stream.direction === 'outbound') {
          this.#opened.set(protocol, this.opened(protocol) + 1)
        }
        const send = stream.send.bind(stream)
        stream.send = data => {
          this.#bytes += data.byteLength
          return send(data)
        }
        next(stream, connection)
      }
      swarm.components.registrar.use(protocol, [middleware as never])
    }
  }

  /** Streams that the node has opened for a protocol. */
  opened(protocol: string): number {
    return this.#opened.get(protocol) ?? 0
  }

  /** Bytes that the node has sent. */
  get bytes(): number {
    return this.#bytes
  }
}

type Next = (stream: Stream, connection: never) => void
