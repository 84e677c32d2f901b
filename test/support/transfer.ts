import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { Content } from './content.ts'

/** `up`: from the client to the target; `down`: from the target to the client. */
export type Direction = 'up' | 'down'

const CHUNK = 64 * 1024

/** What one side has sent, or what arrived at the other. */
interface Tally {
  bytes: number
  digest: string | undefined
}

/** A target for shares, which sends or takes whatever the client's first byte asks for. */
export class TransferTarget {
  readonly port: number
  /** Of the transfer under way, as the target has it. */
  tally: Tally = { bytes: 0, digest: undefined }
  /** What the connections that carried a transfer ended with; `undefined` for a clean end. */
  readonly endings: (Error | undefined)[] = []
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #more: (sent: number) => boolean = () => false

  private constructor(server: net.Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', socket => this.#onConnection(socket))
  }

  static async start(): Promise<TransferTarget> {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TransferTarget(server, (server.address() as net.AddressInfo).port)
  }

  /** The next connection is another transfer; what it is sent is sent as long as `more` says so. */
  begin(more: (sent: number) => boolean): void {
    this.#more = more
    this.tally = { bytes: 0, digest: undefined }
  }

  /** Reads nothing on any connection, until {@link resumeReading}. */
  pauseReading(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  resumeReading(): void {
    for (const socket of this.#sockets) socket.resume()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #onConnection(socket: net.Socket): void {
    let error: Error | undefined
    let asked = false
    this.#sockets.add(socket)
    socket.on('error', cause => (error = cause))
    socket.on('close', () => {
      this.#sockets.delete(socket)
      if (asked) this.endings.push(error)
    })
    // A connection that a pool keeps ready says nothing.
    socket.once('data', first => {
      asked = true
      const { tally } = this
      if (String(first.subarray(0, 1)) === 'd') {
        void send(socket, this.#more, tally)
        return
      }
      const hash = createHash('sha256')
      const take = (chunk: Uint8Array): void => {
        hash.update(chunk)
        tally.bytes += chunk.length
      }
      take(first.subarray(1))
      socket.on('data', take)
      socket.on('end', () => {
        tally.digest = hash.digest('hex')
        socket.end(tally.digest)
      })
    })
  }
}

/** Sends content while `more` says so and then ends; slow readers slow it. */
async function send(
  socket: net.Socket,
  more: (sent: number) => boolean,
  tally: Tally
): Promise<void> {
  const content = new Content(Math.random())
  let proceed = (): void => {}
  socket.on('drain', () => proceed())
  socket.on('close', () => proceed())
  while (!socket.destroyed && more(tally.bytes)) {
    tally.bytes += CHUNK
    if (!socket.write(content.next(CHUNK))) {
      await new Promise<void>(resolve => {
        proceed = resolve
      })
    }
  }
  tally.digest = content.digest()
  socket.end()
}

/** One transfer between a client of this process and the target, through the opener's port. */
export class Transfer {
  readonly direction: Direction
  /** Of the client. */
  readonly tally: Tally = { bytes: 0, digest: undefined }
  /** Resolves when both directions have ended; rejects when the connection breaks. */
  readonly done: Promise<void>
  readonly #target: TransferTarget
  readonly #socket: net.Socket

  constructor(
    direction: Direction,
    port: number,
    target: TransferTarget,
    more: (sent: number) => boolean
  ) {
    this.direction = direction
    this.#target = target
    target.begin(more)
    this.#socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.done = direction === 'down' ? this.#download() : this.#upload(more)
    this.done.catch(() => {})
  }

  /** Bytes that have arrived so far. */
  get arrived(): number {
    return this.direction === 'down' ? this.tally.bytes : this.#target.tally.bytes
  }

  /** Bytes that the sending program has written so far. */
  get sent(): number {
    return this.direction === 'down' ? this.#target.tally.bytes : this.tally.bytes
  }

  /** The receiving program reads nothing, until {@link resumeReading}. */
  pauseReading(): void {
    if (this.direction === 'down') this.#socket.pause()
    else this.#target.pauseReading()
  }

  resumeReading(): void {
    if (this.direction === 'down') this.#socket.resume()
    else this.#target.resumeReading()
  }

  /** Resolves once so many more bytes have arrived; fails when the transfer does. */
  async progress(bytes: number): Promise<void> {
    const goal = this.arrived + bytes
    let failed: Error | undefined
    let ended = false
    this.done.then(
      () => (ended = true),
      error => (failed = error)
    )
    while (this.arrived < goal) {
      if (failed !== undefined) throw failed
      if (ended) throw new Error(`the transfer ended after ${this.arrived} bytes`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  /** Waits for the end: as many bytes as were sent have arrived, and they are the same. */
  async verify(): Promise<void> {
    await this.done
    const [sent, received] =
      this.direction === 'down'
        ? [this.#target.tally, this.tally]
        : [this.tally, this.#target.tally]
    assert.equal(received.bytes, sent.bytes, 'bytes that arrived')
    assert.ok(received.digest !== undefined && received.digest === sent.digest, 'their SHA-256')
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #download(): Promise<void> {
    const hash = createHash('sha256')
    this.#socket.on('data', chunk => {
      hash.update(chunk)
      this.tally.bytes += chunk.length
    })
    this.#socket.end('d')
    await once(this.#socket, 'end')
    this.tally.digest = hash.digest('hex')
  }

  async #upload(more: (sent: number) => boolean): Promise<void> {
    let answer = ''
    this.#socket.on('data', chunk => (answer += chunk))
    const ended = once(this.#socket, 'end')
    ended.catch(() => {})
    this.#socket.write('u')
    await send(this.#socket, more, this.tally)
    await ended
    // The target has it from what arrived; this side only compares.
    assert.equal(answer, this.tally.digest, 'the SHA-256 that the target answers')
  }
}
