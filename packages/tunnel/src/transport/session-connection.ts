import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { sentChunks } from '@warren/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { SessionResetError } from '../session/errors.ts'
import type { ByteSession } from '../session/session-types.ts'

/** What a {@link SessionConnection} is made of. */
export interface SessionConnectionInit {
  readonly session: ByteSession
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
}

/**
 * A session of bytes as the raw connection of a transport, to be encrypted and multiplexed. It has
 * what a TCP connection has not: it goes on when the link below it breaks.
 */
export class SessionConnection extends AbstractMultiaddrConnection {
  readonly #session: ByteSession
  #paused = false

  constructor({ session, ...init }: SessionConnectionInit) {
    super(init)
    this.#session = session
    session.onReadable = () => this.#pull()
    session.onDrain = () => {
      if (this.#isLive) this.safeDispatchEvent('drain')
    }
    void session.closed.then(error => this.#onEnded(error))
  }

  sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    let canSendMore = true
    for (const chunk of data) {
      // It is kept until the peer has taken it, and may be sent once more.
      sentChunks.unmark(chunk)
      canSendMore = this.#session.write(chunk)
    }
    return { sentBytes, canSendMore }
  }

  sendReset(error: Error): void {
    this.#session.abort(error)
  }

  sendPause(): void {
    this.#paused = true
  }

  sendResume(): void {
    this.#paused = false
    this.#pull()
  }

  /** What was sent is delivered; what still comes is dropped. */
  async sendClose(options?: AbortOptions): Promise<void> {
    this.#paused = false
    this.#pull()
    await this.#session.close(options)
  }

  get #isLive(): boolean {
    return this.status === 'open' || this.status === 'closing'
  }

  #pull(): void {
    while (!this.#paused) {
      const chunk = this.#session.read()
      if (chunk === undefined) break
      if (this.#isLive) this.onData(chunk)
    }
    if (this.#paused || !this.#session.readEnded) return
    // A connection closes as a whole: when the peer has ended, so has this side.
    if (this.status === 'open') this.onTransportClosed()
    this.#session.close().catch(() => {
      // The peer, which has ended, wants nothing more; what it did not take is no loss.
    })
  }

  #onEnded(error: Error | undefined): void {
    if (!this.#isLive) return
    if (error instanceof SessionResetError) this.onRemoteReset()
    else this.onTransportClosed(error)
  }
}
