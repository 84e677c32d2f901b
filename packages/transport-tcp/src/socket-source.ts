import type { Socket } from 'node:net'
import { StreamMessageEvent, type MessageStreamEvents } from '@libp2p/interface'
import type { EventEmitter } from '@warren/utils'
import type { ReadHost } from './read-side.ts'

/** Between a socket and the `message` listeners of its connection. */
export class SocketSource implements ReadHost {
  readonly #socket: Socket
  readonly #readers: EventEmitter<MessageStreamEvents>
  readonly onEmpty: () => void

  constructor(socket: Socket, readers: EventEmitter<MessageStreamEvents>, onEmpty: () => void) {
    this.#socket = socket
    this.#readers = readers
    this.onEmpty = onEmpty
  }

  hasReader(): boolean {
    return this.#readers.listenerCount('message') > 0
  }

  give(chunk: Uint8Array): void {
    this.#readers.dispatchEvent(new StreamMessageEvent(chunk))
  }

  stopSource(): void {
    this.#socket.pause()
  }

  startSource(): void {
    this.#socket.resume()
  }
}
