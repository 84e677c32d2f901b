import type { Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { SessionResetError } from './errors.ts'
import type { ByteSession } from './session-types.ts'

/** What a stream of libp2p has and a session has not. */
export interface SessionStreamInit {
  readonly log: Logger
  readonly direction: MessageStreamDirection
  /** Default `''`: none was negotiated. */
  readonly protocol?: string
}

/**
 * A session of bytes as a libp2p stream, so that an encrypter or a muxer can run over it. Do not
 * read or write the session itself afterwards.
 *
 * `close()` ends the outgoing direction, as for every libp2p stream. A stream that is paused takes
 * nothing from the session, so that its window holds the peer.
 */
export function sessionToMessageStream(
  session: ByteSession,
  init: SessionStreamInit
): AbstractStream {
  return new SessionStream(session, init)
}

class SessionStream extends AbstractStream {
  readonly #session: ByteSession
  #paused = false

  constructor(session: ByteSession, init: SessionStreamInit) {
    super({ ...init, id: session.id })
    this.#session = session
    session.onReadable = () => this.#pull()
    session.onDrain = () => {
      if (this.status === 'open' || this.status === 'closing') this.onMuxerDrain()
    }
    session.closed.then(
      error => this.#onClosed(error),
      () => {}
    )
  }

  sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    let canSendMore = true
    for (const chunk of data) canSendMore = this.#session.write(chunk)
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

  async sendCloseWrite(): Promise<void> {
    this.#session.closeWrite()
  }

  /** A session cannot end the peer's direction alone: what comes is taken and dropped. */
  async sendCloseRead(): Promise<void> {
    this.#paused = false
    this.#pull()
  }

  #pull(): void {
    while (!this.#paused) {
      const chunk = this.#session.read()
      if (chunk === undefined) break
      this.onData(chunk)
    }
    if (!this.#paused && this.#session.readEnded) this.onRemoteCloseWrite()
  }

  #onClosed(error: Error | undefined): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    if (error instanceof SessionResetError) this.onRemoteReset()
    else if (error !== undefined) this.onTransportClosed(error)
    else this.#pull()
  }
}
