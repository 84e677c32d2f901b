import type { ShareListenOptions } from '@warren/gateway'
import type { ByteSession, DialOptions, Listener, Tunnel } from '@warren/tunnel'

/** A tunnel for the gateway that counts how its sessions fare. */
export class CountingTunnel {
  readonly #tunnel: Tunnel
  #open = 0
  #detached = 0
  #resumed = 0

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel
  }

  /** Sessions now, those without a link of them, and resumes since the beginning. */
  get counts(): { open: number; detached: number; resumed: number } {
    return { open: this.#open, detached: this.#detached, resumed: this.#resumed }
  }

  async dial(
    channel: string,
    options: DialOptions & { readonly bytes: true }
  ): Promise<ByteSession> {
    const session = await this.#tunnel.dial(channel, options)
    this.#watch(session)
    return session
  }

  async listen(channel: string, options: ShareListenOptions): Promise<Listener<ByteSession>> {
    const listener = await this.#tunnel.listen(channel, options)
    const watch = (session: ByteSession): void => this.#watch(session)
    return {
      channel: listener.channel,
      accept: async accept => {
        const session = await listener.accept(accept)
        watch(session)
        return session
      },
      setPeers: peers => listener.setPeers(peers),
      close: how => listener.close(how),
      [Symbol.asyncDispose]: () => listener.close(),
      async *[Symbol.asyncIterator]() {
        for await (const session of listener) {
          watch(session)
          yield session
        }
      }
    }
  }

  #watch(session: ByteSession): void {
    this.#open++
    let detached = session.link === undefined
    if (detached) this.#detached++
    session.on('detached', () => {
      if (!detached) this.#detached++
      detached = true
    })
    session.on('resumed', () => {
      if (detached) this.#detached--
      detached = false
      this.#resumed++
    })
    void session.closed.then(() => {
      this.#open--
      if (detached) this.#detached--
    })
  }
}
