import { createConnection, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What {@link CuttingRelay} is told. */
export interface CuttingRelayOptions {
  /** Bytes from the target, over all connections together, after which the connection is cut. */
  readonly cutAt: readonly number[]
  /** Called after each cut with how many there were. */
  readonly onCut: (cuts: number) => void
}

/**
 * A TCP relay that stands for a bad network: it passes bytes on as they are, and resets the
 * connection (RST to both ends, in the middle of whatever is under way) whenever the bytes that
 * came from the target pass the next mark.
 */
export class CuttingRelay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #onCut: (cuts: number) => void
  readonly #marks: number[]
  #target: { host: string; port: number } | undefined
  #bytes = 0
  #cuts = 0

  constructor({ cutAt, onCut }: CuttingRelayOptions) {
    this.#marks = [...cutAt].sort((a, b) => a - b)
    this.#onCut = onCut
    this.#server = createServer(client => this.#relay(client))
  }

  /** How often the connection was cut. */
  get cuts(): number {
    return this.#cuts
  }

  /** Starts to accept; connections that come before {@link CuttingRelay.target} is set are reset. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  set target(target: { host: string; port: number }) {
    this.#target = target
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #relay(client: Socket): void {
    if (this.#target === undefined) {
      client.resetAndDestroy()
      return
    }
    const target = createConnection({ ...this.#target, noDelay: true })
    const both = [client, target] as const
    client.setNoDelay(true)
    for (const socket of both) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // The end of one is passed on to the other by 'close'; the error itself is nobody's here.
      socket.on('error', () => {})
    }
    client.on('close', () => target.destroy())
    target.on('close', () => client.destroy())
    client.pipe(target)
    target.on('data', chunk => {
      this.#bytes += chunk.length
      const mark = this.#marks[0]
      if (mark !== undefined && this.#bytes >= mark) {
        this.#marks.shift()
        this.#cuts++
        for (const socket of both) socket.resetAndDestroy()
        this.#onCut(this.#cuts)
      } else if (!client.write(chunk)) {
        target.pause()
        client.once('drain', () => target.resume())
      }
    })
    target.on('end', () => client.end())
  }
}
