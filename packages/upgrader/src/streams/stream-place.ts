import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import type { AccountingStream, StreamScope } from '@warren/interface'
import { isLive } from './stream-context.ts'
import type { StreamContext } from './stream-context.ts'

/**
 * What one stream takes up: its place in the scopes of its host, from before it is opened or looked
 * at, and its place in the count of its protocol. Given back once, when the stream ends.
 *
 * There is one for each stream, so it is itself the listener and keeps no closures.
 */
export class StreamPlace {
  readonly #context: StreamContext
  readonly #direction: 'inbound' | 'outbound'
  readonly #scope: StreamScope | undefined
  #protocol: string | undefined
  #ended = false

  /** @throws what the scope throws when the stream would pass a limit */
  constructor(context: StreamContext, direction: 'inbound' | 'outbound') {
    this.#context = context
    this.#direction = direction
    this.#scope = context.scope?.openStream(direction)
  }

  /** Ties the place to its stream. */
  bind(stream: Stream): void {
    if (isLive(stream)) stream.addEventListener('close', this, { once: true })
    else this.end()
  }

  /** Takes one of `max` places of a protocol; `false` when there is none. */
  take(protocol: string, max: number): boolean {
    if (!this.#context.counts.add(protocol, this.#direction, max)) return false
    if (this.#ended) this.#context.counts.remove(protocol, this.#direction)
    else this.#protocol = protocol
    return true
  }

  /** Counts in the scope of the protocol too, with what the stream holds where its muxer can tell. */
  countFor(stream: Stream, protocol: string): void {
    const account = this.#scope?.setProtocol(protocol)
    if (account !== undefined && isLive(stream) && canCount(stream)) stream.countIn(account)
  }

  /** The stream has ended. */
  handleEvent(event: StreamCloseEvent): void {
    this.end()
    this.#context.streamEnded(event.error)
  }

  /** Gives everything back. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#scope?.close()
    if (this.#protocol !== undefined) {
      this.#context.counts.remove(this.#protocol, this.#direction)
    }
  }
}

function canCount(stream: Stream): stream is Stream & AccountingStream {
  return 'countIn' in stream && typeof stream.countIn === 'function'
}
