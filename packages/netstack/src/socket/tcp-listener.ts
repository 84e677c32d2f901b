import { formatAddress } from '../stack/address.ts'
import type { Listener } from '../stack/listener.ts'

/** A port on which a stack accepts connections. */
export class TcpListener {
  /** Address of ours; `undefined` for any. */
  readonly address: string | undefined
  readonly port: number
  readonly #listener: Listener
  readonly #onClose: () => void
  #closed = false

  /** Made by `Stack.listen`. */
  constructor(listener: Listener, onClose: () => void) {
    this.#listener = listener
    this.#onClose = onClose
    this.address = listener.address === undefined ? undefined : formatAddress(listener.address)
    this.port = listener.port
  }

  /** Handshakes under way. */
  get halfOpen(): number {
    return this.#listener.halfOpen.size
  }

  /** Accepts no more; handshakes under way are refused, open connections stay. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
  }
}
