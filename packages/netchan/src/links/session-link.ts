import type { AbortOptions } from '@libp2p/interface'
import { deadline, sentChunks } from '@warren/utils'
import { FrameLinkError } from '../errors.ts'
import { checkLength } from './byte-link.ts'
import type { FrameLink } from './frame-link.ts'
import { CLOSE_TIMEOUT } from './limits.ts'

/** Of a session of messages, what a link needs: the sessions of `@warren/tunnel` have it. */
export interface MessageSession {
  readonly peer: string
  /** Copies the body before it returns. */
  send(message: { readonly body: Uint8Array }, options?: AbortOptions): Promise<void>
  receive(options?: AbortOptions): Promise<{ readonly body: Uint8Array } | undefined>
  close(options?: AbortOptions): Promise<void>
  abort(error?: Error): void
}

/** Frames leave room for what a tunnel's message has besides its body. */
const MAX_SESSION_FRAME = 65_536

/**
 * A link over a session of messages, a frame in each. A session that survives broken links carries
 * the link over them: nothing is lost and nothing comes twice.
 */
export function sessionLink(session: MessageSession): FrameLink {
  return new SessionLink(session)
}

class SessionLink implements FrameLink {
  readonly maxFrameBytes = MAX_SESSION_FRAME
  readonly #session: MessageSession
  #closing: Promise<void> | undefined

  constructor(session: MessageSession) {
    this.#session = session
  }

  get peer(): string {
    return this.#session.peer
  }

  send(frame: Uint8Array, signal?: AbortSignal): Promise<void> {
    try {
      checkLength(frame, this.maxFrameBytes)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    const sent = this.#session.send({ body: frame }, optionsOf(signal))
    // The session has copied it.
    sentChunks.free(frame)
    return sent
  }

  async receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const message = await this.#session.receive(optionsOf(signal))
    return message?.body
  }

  close(reason?: Error): Promise<void> {
    if (reason !== undefined) {
      this.#session.abort(reason)
      this.#closing = Promise.resolve()
    }
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const limit = deadline(
      CLOSE_TIMEOUT,
      () => new FrameLinkError('the peer did not end the link in time')
    )
    try {
      await Promise.all([this.#session.close({ signal: limit.signal }), this.#drop()])
    } catch (error) {
      // It has ended, though not in order: whoever closes does not mind.
      this.#session.abort(error as Error)
    } finally {
      limit.clear()
    }
  }

  /** What still comes makes way for the end behind it. */
  async #drop(): Promise<void> {
    while ((await this.#session.receive()) !== undefined);
  }
}

function optionsOf(signal: AbortSignal | undefined): AbortOptions {
  return signal === undefined ? {} : { signal }
}
