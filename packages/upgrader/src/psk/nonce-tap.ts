import type { MessageStream, StreamMessageEvent } from '@libp2p/interface'

/** Bytes of a nonce of the pre-shared key protocol (libp2p specs, pnet). */
const NONCE_BYTES = 24

type Bytes = StreamMessageEvent['data']

/**
 * Sees the first 24 bytes that a conn carries each way, and changes nothing. It listens beside
 * whoever reads the conn, so it must be started in the same turn as that reader.
 */
export class NonceTap {
  readonly #conn: MessageStream
  /** The conn's own `send`, where it is not its class's (metrics put one there). */
  readonly #ownSend: PropertyDescriptor | undefined
  readonly #tapped: MessageStream['send']
  readonly #sent = new Uint8Array(NONCE_BYTES)
  readonly #received = new Uint8Array(NONCE_BYTES)
  #sentLength = 0
  #receivedLength = 0

  constructor(conn: MessageStream) {
    this.#conn = conn
    this.#ownSend = Object.getOwnPropertyDescriptor(conn, 'send')
    const send = conn.send.bind(conn)
    this.#tapped = data => {
      this.#sentLength = keep(this.#sent, this.#sentLength, data)
      return send(data)
    }
    conn.send = this.#tapped
    conn.addEventListener('message', this.#onMessage)
  }

  /** Lets go of the conn. */
  stop(): void {
    this.#conn.removeEventListener('message', this.#onMessage)
    if (Object.getOwnPropertyDescriptor(this.#conn, 'send')?.value !== this.#tapped) return
    if (this.#ownSend === undefined) Reflect.deleteProperty(this.#conn, 'send')
    else Object.defineProperty(this.#conn, 'send', this.#ownSend)
  }

  /** Whether the peer sent back just what we sent: it has no key, it echoes. */
  get isEcho(): boolean {
    return (
      this.#sentLength === NONCE_BYTES &&
      this.#receivedLength === NONCE_BYTES &&
      this.#sent.every((byte, i) => byte === this.#received[i])
    )
  }

  /** Whether the peer began a negotiation in clear (multistream-select) instead. */
  get isClear(): boolean {
    const start = String.fromCharCode(...this.#received.subarray(0, this.#receivedLength))
    return start.startsWith('\x13/multistream/1.0.0\n')
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#receivedLength = keep(this.#received, this.#receivedLength, event.data)
  }
}

function keep(into: Uint8Array, length: number, data: Bytes): number {
  const wanted = Math.min(into.length - length, data.byteLength)
  if (wanted > 0) into.set(data.subarray(0, wanted), length)
  return length + Math.max(0, wanted)
}
