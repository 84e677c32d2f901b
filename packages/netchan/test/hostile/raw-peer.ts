import { FRAME, VERSION } from '../../src/protocol/codes.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { type BindRequest, encodeBind, encodeHello } from '../../src/protocol/frames.ts'
import type { FrameLink } from '../../src/links/frame-link.ts'

/** A frame as it came. */
export interface RawFrame {
  readonly type: number
  readonly id: number
  readonly body: Uint8Array
}

/** One frame of the protocol, byte by byte; nothing is checked. */
export function frame(type: number, id: number, body: Uint8Array | number[] = []): Uint8Array {
  const varint: number[] = []
  let rest = id
  while (rest >= 0x80) {
    varint.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  varint.push(rest)
  const length = 1 + varint.length + body.length
  return Uint8Array.from([
    (length >>> 24) & 0xff,
    (length >>> 16) & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
    type,
    ...varint,
    ...body
  ])
}

export function hello(version = VERSION, maxValueBytes = 262_144): Uint8Array {
  return frame(FRAME.hello, 0, encodeHello({ version, maxValueBytes }))
}

export function bind(id: number, request: Partial<BindRequest> = {}): Uint8Array {
  return frame(
    FRAME.bind,
    id,
    encodeBind({
      name: 'numbers',
      kind: 'recv',
      codec: 'cbor',
      count: 0,
      sends: new Uint8Array(0),
      receives: new Uint8Array(0),
      window: { items: 3, bytes: 1_000 },
      ...request
    })
  )
}

/** Values of one `data` frame. */
export function data(id: number, ...values: number[][]): Uint8Array {
  return frame(
    FRAME.data,
    id,
    values.flatMap(value => [value.length, ...value])
  )
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** A peer that says whatever it is told to. */
export class RawPeer {
  readonly #link: FrameLink
  readonly frames: RawFrame[] = []
  /** Resolves when the other end has ended the link. */
  readonly ended: Promise<void>
  readonly #waiting = new Set<() => void>()

  constructor(link: FrameLink) {
    this.#link = link
    this.ended = this.#read()
  }

  async send(...parts: Uint8Array[]): Promise<void> {
    for (const part of parts) await this.#link.send(part.slice())
  }

  /** The first frame of this type (and binding) that has come, or will. */
  async frame(type: number, id?: number): Promise<RawFrame> {
    for (;;) {
      const found = this.frames.find(f => f.type === type && (id === undefined || f.id === id))
      if (found !== undefined) return found
      await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
  }

  async close(): Promise<void> {
    await this.#link.close(new Error('the test is over'))
  }

  async #read(): Promise<void> {
    const reader = new FrameReader(10_000_000, (type, id, body) => {
      this.frames.push({ type, id, body: body.slice() })
    })
    try {
      for (;;) {
        const packet = await this.#link.receive()
        if (packet === undefined) return
        reader.push(packet)
        for (const resolve of this.#waiting) resolve()
        this.#waiting.clear()
      }
    } catch {
      // Ended by an error: ended all the same.
    }
  }
}
