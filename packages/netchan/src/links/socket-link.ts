import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { sentChunks } from '@warren/utils'
import { ByteLink } from './byte-link.ts'
import type { Carrier, CarrierUser } from './carrier.ts'
import type { FrameLink } from './frame-link.ts'

/**
 * A link over a socket, or over any `Duplex` of Node such as the two ends of a pipe. It ends with the
 * socket; nothing is sent again over another one.
 *
 * Nobody else may read from the socket, or have read from it.
 */
export function socketLink(socket: Duplex): FrameLink {
  return new ByteLink(new SocketCarrier(socket))
}

class SocketCarrier implements Carrier {
  readonly peer: string
  readonly #socket: Duplex

  constructor(socket: Duplex) {
    this.#socket = socket
    this.peer = peerOf(socket)
    // Packets are as large as they should be already.
    if (socket instanceof Socket) socket.setNoDelay(true)
  }

  start(user: CarrierUser): void {
    const socket = this.#socket
    let failure: Error | undefined
    const onError = (error: Error): void => {
      failure ??= error
    }
    socket.on('data', (chunk: Uint8Array) => user.onBytes(chunk))
    socket.on('drain', () => user.onDrain())
    socket.on('end', () => user.onEnd())
    socket.on('error', onError)
    socket.once('close', () => user.onClosed(failure))
    if (socket.closed) queueMicrotask(() => user.onClosed(failure ?? socket.errored ?? undefined))
  }

  write(length: Uint8Array, frame: Uint8Array): boolean {
    const socket = this.#socket
    // Both in one call of the system, without a copy.
    socket.cork()
    socket.write(length)
    // The system has its own copy once it was written; what is no socket may have handed it on.
    const room =
      socket instanceof Socket && sentChunks.has(frame)
        ? socket.write(frame, () => sentChunks.free(frame))
        : socket.write(frame)
    socket.uncork()
    return room
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(error: Error): void {
    const socket = this.#socket
    // So that the peer does not take it for an end in order. Pipes have no reset.
    if (socket instanceof Socket && socket.remoteFamily !== undefined) socket.resetAndDestroy()
    else socket.destroy(error)
  }
}

function peerOf(socket: Duplex): string {
  if (!(socket instanceof Socket) || socket.remoteAddress === undefined) return 'local'
  const { remoteAddress, remotePort } = socket
  return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort ?? 0}`
}
