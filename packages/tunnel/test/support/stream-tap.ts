import type { Stream } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'
import { SESSION_PROTOCOL } from '../../src/channels/dial-session.ts'

/** What a session's dialler sends over its streams, inside the connection's own encryption. */
export class StreamTap {
  readonly #sent: Uint8Array[] = []
  readonly streams: Stream[] = []
  /** Bytes from here on, of those that are sent, are handed to this instead; it gives what is sent. */
  tamper: ((bytes: Uint8Array) => Uint8Array) | undefined

  constructor(swarm: Swarm) {
    const open = swarm.newStream.bind(swarm)
    swarm.newStream = async (target, protocols, options) => {
      const stream = await open(target, protocols, options)
      if (protocols === SESSION_PROTOCOL) this.#listen(stream)
      return stream
    }
  }

  /** Everything that was sent, over all streams. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  #listen(stream: Stream): void {
    this.streams.push(stream)
    const send = stream.send.bind(stream)
    stream.send = data => {
      const bytes = data instanceof Uint8Array ? data : data.subarray()
      const out = this.tamper?.(bytes) ?? bytes
      this.#sent.push(Uint8Array.from(out))
      return send(out)
    }
  }
}
