import type { AbortOptions } from '@libp2p/interface'
import type { Message, Mode, Session, SessionStats } from '../session/session-types.ts'

/** A session whose `receive` waits `readTimeout` milliseconds where the call says nothing else. */
export class ReadTimeoutSession implements Session {
  readonly #session: Session
  readonly #readTimeout: number

  constructor(session: Session, readTimeout: number) {
    this.#session = session
    this.#readTimeout = readTimeout
  }

  get id(): string {
    return this.#session.id
  }

  get channel(): string {
    return this.#session.channel
  }

  get peer(): string {
    return this.#session.peer
  }

  get mode(): Mode {
    return this.#session.mode
  }

  get link(): string | undefined {
    return this.#session.link
  }

  get status(): Session['status'] {
    return this.#session.status
  }

  get missed(): number {
    return this.#session.missed
  }

  get closed(): Promise<Error | undefined> {
    return this.#session.closed
  }

  stats(): SessionStats {
    return this.#session.stats()
  }

  send(message: Message, options?: AbortOptions): Promise<void> {
    return this.#session.send(message, options)
  }

  receive(
    options: AbortOptions & { readonly timeout?: number } = {}
  ): Promise<Message | undefined> {
    return this.#session.receive({ timeout: this.#readTimeout, ...options })
  }

  flush(options?: AbortOptions): Promise<void> {
    return this.#session.flush(options)
  }

  close(options?: AbortOptions): Promise<void> {
    return this.#session.close(options)
  }

  abort(error?: Error): void {
    this.#session.abort(error)
  }

  on(event: 'detached' | 'resumed', listener: () => void): () => void {
    return this.#session.on(event, listener)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Message> {
    for (;;) {
      const message = await this.receive()
      if (message === undefined) return
      yield message
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]()
  }
}
