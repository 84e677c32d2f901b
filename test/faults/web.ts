import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '../support/until.ts'

/** Bytes of `/held` that are sent before it waits. */
export const HELD_BYTES = 100_000

/** Bytes and milliseconds of a piece of what never ends. */
const PIECE = 64 * 1024
const PAUSE = 5

/**
 * An HTTP server whose answers take long:
 *
 * - `/small` is one that does not
 * - `/sized` announces 1 GiB, `/chunked` announces nothing, `/closed` is ended by the connection's
 *   end; each goes on for as long as it is taken
 * - `/held` stops after {@link HELD_BYTES}, until {@link Web.release}
 */
export class Web {
  readonly port: number
  readonly #server: Server
  readonly #running = new Map<ServerResponse, { sent: number }>()
  readonly #held = new Set<ServerResponse>()

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('request', (request, response) => {
      if (request.url === '/small') response.end('all is well')
      else if (request.url === '/held') this.#hold(response)
      else this.#pour(request.url ?? '', response)
    })
  }

  static async start(): Promise<Web> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Web(server, (server.address() as AddressInfo).port)
  }

  /** Resolves when so many answers have begun, each with {@link HELD_BYTES} sent. */
  async underWay(count: number): Promise<void> {
    await until(() => {
      const far = [...this.#running.values()].filter(({ sent }) => sent >= HELD_BYTES)
      return far.length >= count
    }, `${count} answers are under way`)
  }

  /** Ends the answers that wait. */
  release(): void {
    for (const response of this.#held) response.end('the rest')
    this.#held.clear()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #hold(response: ServerResponse): void {
    this.#track(response).sent = HELD_BYTES
    response.write('.'.repeat(HELD_BYTES))
    this.#held.add(response)
  }

  #pour(url: string, response: ServerResponse): void {
    if (url === '/sized') response.setHeader('content-length', 2 ** 30)
    if (url === '/closed') {
      response.shouldKeepAlive = false
      response.useChunkedEncodingByDefault = false
    }
    const progress = this.#track(response)
    const piece = Buffer.alloc(PIECE, 'x')
    const timer = setInterval(() => {
      if (response.writableNeedDrain) return
      response.write(piece)
      progress.sent += PIECE
    }, PAUSE)
    response.on('close', () => clearInterval(timer))
  }

  #track(response: ServerResponse): { sent: number } {
    const progress = { sent: 0 }
    this.#running.set(response, progress)
    response.on('close', () => this.#running.delete(response))
    return progress
  }
}
