import type { AbortOptions, Logger } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { NetstackResetError, type TcpSocket } from '@warren/netstack'
import { receivedChunks, waitFor } from '@warren/utils'
import { NetstackUnsentDataError } from './errors.ts'

/** What a {@link NetstackConnection} is made of. */
export interface NetstackConnectionInit {
  readonly socket: TcpSocket
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddr: Multiaddr
  readonly localAddr: Multiaddr
  readonly log: Logger
  readonly lingerTimeout: number
}

/** Bytes in several pieces, as libp2p queues them. */
type Parts = Parameters<AbstractMultiaddrConnection['sendData']>[0]

/** Bytes that are copied out of the receive ring at once. */
const READ_CHUNK = 65_536

/**
 * A TCP connection of the userspace stack as libp2p's multiaddr connection.
 *
 * It keeps nothing of its own: what is not read stays in the receive ring and closes the peer's
 * window, and what does not fit the send ring makes `send` say so.
 */
export class NetstackConnection extends AbstractMultiaddrConnection {
  readonly #socket: TcpSocket
  readonly #lingerTimeout: number
  readonly #over = Promise.withResolvers<void>()
  #paused = false
  #remoteEnded = false

  constructor(init: NetstackConnectionInit) {
    super({
      remoteAddr: init.remoteAddr,
      localAddr: init.localAddr,
      direction: init.direction,
      log: init.log
    })
    this.#socket = init.socket
    this.#lingerTimeout = init.lingerTimeout
    init.socket.events = {
      onReadable: () => this.#read(),
      onWritable: () => this.safeDispatchEvent('drain'),
      onEnd: () => {
        this.#remoteEnded = true
        this.#read()
      },
      onClose: error => this.#onClose(error)
    }
    init.socket.setNoDelay(true)
    // What came with the handshake was told before anybody listened here.
    queueMicrotask(() => this.#read())
  }

  /** The association below has ended, and with it the connection. */
  lose(error: Error): void {
    this.#socket.events = {}
    this.#socket.abort()
    this.#onClose(error)
  }

  /** The peer was found at another address. */
  pathChanged(): void {
    this.#socket.pathChanged()
  }

  sendData(data: Parts): SendResult {
    let sentBytes = 0
    for (const chunk of data) {
      const taken = this.#socket.write(chunk)
      sentBytes += taken
      if (taken < chunk.length) return { sentBytes, canSendMore: false }
    }
    return { sentBytes, canSendMore: true }
  }

  sendPause(): void {
    this.#paused = true
  }

  sendResume(): void {
    this.#paused = false
    this.#read()
  }

  sendReset(): void {
    this.#socket.abort()
  }

  async sendClose(options?: AbortOptions): Promise<void> {
    this.#socket.end()
    // A reader that is not there will not take what still arrives, and the peer's end is behind it.
    if (this.#paused || this.listenerCount('message') === 0) this.#socket.discardInput()
    const linger = setTimeout(() => {
      const unsent = this.#socket.unacknowledged
      this.#over.reject(
        new NetstackUnsentDataError(
          `${this.remoteAddr.toString()} has not taken the last ${unsent} bytes within ${this.#lingerTimeout} ms: the connection was reset`
        )
      )
      this.#socket.abort()
    }, this.#lingerTimeout)
    try {
      await waitFor(this.#over.promise, options?.signal)
    } finally {
      clearTimeout(linger)
    }
  }

  #read(): void {
    const socket = this.#socket
    while (!this.#paused && socket.readable > 0) {
      const chunk = receivedChunks.mark(socket.peek().slice(0, READ_CHUNK))
      socket.consume(chunk.length)
      this.onData(chunk)
    }
    if (this.#remoteEnded && socket.readable === 0) this.#onRemoteEnd()
  }

  #onRemoteEnd(): void {
    if (this.remoteWriteStatus === 'closed') return
    this.onRemoteCloseWrite()
    // libp2p's connections have no half-closed state: the peer's end is answered by ours.
    if (this.status === 'open') {
      this.close().catch((error: Error) => this.abort(error))
    }
  }

  #onClose(error: Error | undefined): void {
    if (error === undefined) {
      this.#paused = false
      this.#read()
      this.#over.resolve()
      if (this.status === 'open') this.onTransportClosed()
      return
    }
    this.#over.resolve()
    if (this.status !== 'open' && this.status !== 'closing') return
    if (error instanceof NetstackResetError) this.onRemoteReset()
    else this.onTransportClosed(error)
  }
}
