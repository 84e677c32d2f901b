import { Attacker } from './attacker.ts'
import type { AttackerInit } from './attacker.ts'
import { line } from './lines.ts'

export const TYPE = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const
/** The receive window of a new stream. */
export const WINDOW = 256 * 1024
const HEADER = 12

/** A frame as the victim sent it. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly length: number
  readonly body: Buffer
}

/** A header, with a body where there is one; `length` may lie. */
export function frame(
  type: number,
  flags: number,
  id: number,
  length: number,
  body: Uint8Array = new Uint8Array(0),
  version = 0
): Buffer {
  const header = Buffer.alloc(HEADER)
  header[0] = version
  header[1] = type
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(id, 4)
  header.writeUInt32BE(length >>> 0, 8)
  return Buffer.concat([header, body])
}

export function data(id: number, body: Uint8Array, flags = 0): Buffer {
  return frame(TYPE.data, flags, id, body.length, body)
}

/** A peer that speaks yamux frame by frame. As it dials, its streams have odd ids. */
export class YamuxAttacker implements Disposable {
  readonly connection: Attacker
  readonly frames: Frame[] = []
  #unparsed = Buffer.alloc(0)
  #nextId = 1
  #onFrame = (): void => {}

  private constructor(connection: Attacker) {
    this.connection = connection
    connection.secured.addEventListener('message', event => {
      this.#parse(event.data.subarray())
    })
  }

  static async connect(port: number, init: AttackerInit = {}): Promise<YamuxAttacker> {
    return new YamuxAttacker(await Attacker.muxed(port, '/yamux/1.0.0', init))
  }

  newId(): number {
    const id = this.#nextId
    this.#nextId += 2
    return id
  }

  /** Opens a stream and waits until the victim has taken it for the protocol. */
  async open(protocol: string, init: Uint8Array = new Uint8Array(0)): Promise<number> {
    const id = this.newId()
    const body = Buffer.concat([line('/multistream/1.0.0'), line(protocol), init])
    await this.send(data(id, body, FLAG.syn))
    await this.waitFor(
      () => this.bytesOf(id).includes(`${protocol}\n`),
      `the victim takes ${protocol}`
    )
    return id
  }

  /** What the victim has sent on a stream so far. */
  bytesOf(id: number): string {
    return this.frames
      .filter(each => each.type === TYPE.data && each.id === id)
      .map(each => each.body.toString('latin1'))
      .join('')
  }

  send(bytes: Uint8Array): Promise<boolean> {
    return this.connection.send(bytes)
  }

  /** Waits for frames until `check` holds. */
  async waitFor(check: () => boolean, what: string, ms = 10_000): Promise<void> {
    if (check()) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain until ${what}`)), ms)
      this.#onFrame = () => {
        if (!check()) return
        clearTimeout(timer)
        this.#onFrame = () => {}
        resolve()
      }
    })
  }

  /** Resolves when the victim has reset all of these streams. */
  async allReset(ids: readonly number[]): Promise<void> {
    const left = new Set(ids)
    await this.waitFor(() => {
      for (const { id, flags } of this.frames) if ((flags & FLAG.rst) !== 0) left.delete(id)
      return left.size === 0
    }, `${ids.length} streams are reset`)
  }

  /** Resolves with the code of the victim's GOAWAY, once it has ended the connection. */
  async goAway(): Promise<number | undefined> {
    await this.connection.over()
    return this.frames.find(({ type }) => type === TYPE.goAway)?.length
  }

  [Symbol.dispose](): void {
    this.connection[Symbol.dispose]()
  }

  #parse(bytes: Uint8Array): void {
    let left =
      this.#unparsed.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unparsed, bytes])
    while (left.length >= HEADER) {
      const type = left[1] ?? 0
      const length = left.readUInt32BE(8)
      const size = HEADER + (type === TYPE.data ? length : 0)
      if (left.length < size) break
      this.frames.push({
        type,
        flags: left.readUInt16BE(2),
        id: left.readUInt32BE(4),
        length,
        body: Buffer.from(left.subarray(HEADER, size))
      })
      left = left.subarray(size)
    }
    this.#unparsed = Buffer.from(left)
    this.#onFrame()
  }
}
