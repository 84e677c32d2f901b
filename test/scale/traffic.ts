import type { Stream } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'

/** Streams opened and bytes sent, both directions of all streams together. */
export interface Traffic {
  readonly streams: number
  readonly bytes: number
}

/** Counts what goes over the streams of some protocols, at every node of a network. */
export class TrafficCounter {
  readonly #counts = new Map<string, { streams: number; bytes: number }>()

  /** Counts at one more node: what it opens, and what it sends. */
  watch(swarm: Swarm, protocols: readonly string[]): void {
    const { registrar } = swarm.components
    for (const protocol of protocols) {
      const count = this.#counts.get(protocol) ?? { streams: 0, bytes: 0 }
      this.#counts.set(protocol, count)
      const middleware = (stream: Stream, connection: never, next: Next): void => {
        if (stream.direction === 'outbound') count.streams++
        const send = stream.send.bind(stream)
        stream.send = data => {
          count.bytes += data.byteLength
          return send(data)
        }
        next(stream, connection)
      }
      registrar.use(protocol, [middleware as never])
    }
  }

  /** All since the beginning. */
  total(...protocols: readonly string[]): Traffic {
    let [streams, bytes] = [0, 0]
    for (const [protocol, count] of this.#counts) {
      if (protocols.length > 0 && !protocols.includes(protocol)) continue
      streams += count.streams
      bytes += count.bytes
    }
    return { streams, bytes }
  }
}

type Next = (stream: Stream, connection: never) => void
