import type { Stream } from '@libp2p/interface'
import type { AccountingStream, ConnectionScope, StreamScope } from '@warren/interface'
import { isLive } from './stream-context.ts'

/**
 * Counts the streams of one connection where its host counts them: each from before it is opened or
 * looked at until it ends. Without a scope nothing is counted.
 */
export class StreamAccounting {
  readonly #scope: ConnectionScope | undefined
  readonly #scopes = new WeakMap<Stream, StreamScope>()

  constructor(scope: ConnectionScope | undefined) {
    this.#scope = scope
  }

  /** Takes the place of a stream that is to be opened; {@link StreamAccounting.bind} follows. */
  reserve(): StreamScope | undefined {
    return this.#scope?.openStream('outbound')
  }

  /** Counts a stream that the peer has opened. */
  accept(stream: Stream): void {
    this.bind(stream, this.#scope?.openStream('inbound'))
  }

  /** Gives the place back when the stream has ended. */
  bind(stream: Stream, scope: StreamScope | undefined): void {
    if (scope === undefined) return
    if (!isLive(stream)) {
      scope.close()
      return
    }
    this.#scopes.set(stream, scope)
    stream.addEventListener('close', () => scope.close(), { once: true })
  }

  /** Counts a stream for its protocol too, with what it holds where its muxer can tell. */
  setProtocol(stream: Stream, protocol: string): void {
    const account = this.#scopes.get(stream)?.setProtocol(protocol)
    if (account !== undefined && isLive(stream) && canCount(stream)) stream.countIn(account)
  }
}

function canCount(stream: Stream): stream is Stream & AccountingStream {
  return 'countIn' in stream && typeof stream.countIn === 'function'
}
