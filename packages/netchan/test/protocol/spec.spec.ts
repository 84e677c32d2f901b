import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { CODE, FRAME } from '../../src/protocol/codes.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { FrameWriter } from '../../src/protocol/frame-writer.ts'
import {
  decodeBind,
  decodeBound,
  decodeCredit,
  decodeFailure,
  decodeHangup,
  decodeHello,
  decodeOpen,
  decodeRefuse,
  encodeBind,
  encodeBound,
  encodeCredit,
  encodeFailure,
  encodeHangup,
  encodeHello,
  encodeOpen,
  encodeRefuse
} from '../../src/protocol/frames.ts'
import {
  MAX_WINDOW_BYTES,
  MAX_WINDOW_ITEMS,
  MESSAGE_BYTES,
  SHAPE_BYTES,
  frameLimit
} from '../../src/protocol/limits.ts'

const spec = readFileSync(new URL('../../../spec.md', import.meta.url), 'utf8')

/** The vectors of spec.md, by name. */
const vectors = new Map(
  (/## Vectors[\s\S]*?```text\n([\s\S]*?)```/.exec(spec)?.[1] ?? '')
    .trim()
    .split('\n')
    .map(line => [line.split(/\s+/)[0] ?? '', line.replace(/^\S+|\s/g, '')])
)

const none = new Uint8Array(0)
const fingerprint = Uint8Array.from({ length: 16 }, (_, i) => i)

/** Each vector: its frame, and how its body is read back. */
const cases: Record<
  string,
  { type: number; id: number; body: Uint8Array; decode: (body: Uint8Array) => unknown; is: unknown }
> = {
  hello: make(FRAME.hello, 0, { version: 1, maxValueBytes: 262_144 }, encodeHello, decodeHello),
  bind: make(
    FRAME.bind,
    2,
    {
      name: 'prices',
      kind: 'recv' as const,
      codec: 'cbor',
      count: 0,
      sends: none,
      receives: fingerprint,
      window: { items: 20, bytes: 262_144 }
    },
    encodeBind,
    decodeBind
  ),
  'bind-send': make(
    FRAME.bind,
    4,
    {
      name: 'orders',
      kind: 'send' as const,
      codec: 'json',
      count: 5,
      sends: none,
      receives: none,
      window: { items: 3, bytes: 1_000 }
    },
    encodeBind,
    decodeBind
  ),
  'bind-call': make(
    FRAME.bind,
    6,
    {
      name: 'quote',
      kind: 'call' as const,
      codec: 'cbor',
      count: 0,
      sends: none,
      receives: none,
      window: { items: 64, bytes: 262_144 }
    },
    encodeBind,
    decodeBind
  ),
  'bound-recv': make(
    FRAME.bound,
    2,
    { window: { items: 0, bytes: 0 }, redelivers: true },
    encodeBound,
    decodeBound
  ),
  'bound-send': make(
    FRAME.bound,
    4,
    { window: { items: 3, bytes: 1_000 }, redelivers: false },
    encodeBound,
    decodeBound
  ),
  refuse: make(
    FRAME.refuse,
    8,
    { code: CODE.unknownName, message: 'no such channel: x', shape: '' },
    encodeRefuse,
    decodeRefuse
  ),
  'refuse-shape': make(
    FRAME.refuse,
    8,
    { code: CODE.schemaMismatch, message: 'other', shape: 'id: integer' },
    encodeRefuse,
    decodeRefuse
  ),
  credit: make(FRAME.credit, 300, 10, encodeCredit, decodeCredit),
  close: make(FRAME.close, 2, undefined, encodeFailure, body => decodeFailure('close', body)),
  'close-error': make(
    FRAME.close,
    2,
    { code: CODE.application, message: 'out of stock' },
    encodeFailure,
    body => decodeFailure('close', body)
  ),
  hangup: make(
    FRAME.hangup,
    2,
    { taken: 5, failure: undefined },
    ({ taken, failure }) => encodeHangup(taken, failure),
    decodeHangup
  ),
  'hangup-error': make(
    FRAME.hangup,
    4,
    { taken: 0, failure: { code: CODE.invalidValue, message: 'not a number' } },
    ({ taken, failure }) => encodeHangup(taken, failure),
    decodeHangup
  ),
  'open-send': make(
    FRAME.open,
    1,
    { parent: 2, kind: 'send' as const, window: { items: 0, bytes: 0 } },
    encodeOpen,
    decodeOpen
  ),
  'open-recv': make(
    FRAME.open,
    10,
    { parent: 2, kind: 'recv' as const, window: { items: 16, bytes: 262_144 } },
    encodeOpen,
    decodeOpen
  ),
  goodbye: make(FRAME.goodbye, 0, undefined, encodeFailure, body => decodeFailure('goodbye', body))
}

function make<T>(
  type: number,
  id: number,
  is: T,
  encode: (value: T) => Uint8Array,
  decode: (body: Uint8Array) => unknown
) {
  return { type, id, body: encode(is), decode, is }
}

function written(write: (writer: FrameWriter) => void): string {
  const writer = new FrameWriter(65_536)
  write(writer)
  return Buffer.from(writer.packet() ?? none).toString('hex')
}

/** The rows of the table whose header begins so. */
function rows(header: string): string[][] {
  const table = spec.slice(spec.indexOf(header)).split('\n\n')[0] ?? ''
  return table
    .split('\n')
    .slice(2)
    .map(row => row.split('|').map(cell => cell.trim().replaceAll('`', '')))
}

describe('spec.md', () => {
  for (const [name, { type, id, body, decode, is }] of Object.entries(cases)) {
    it(`vector ${name}`, () => {
      const hex = vectors.get(name) ?? 'is missing'
      assert.equal(
        written(writer => writer.frame(type, id, body)),
        hex
      )
      let read = 0
      new FrameReader(65_536, (readType, readId, readBody) => {
        read++
        assert.deepEqual([readType, readId, decode(readBody)], [type, id, is])
      }).push(Buffer.from(hex, 'hex'))
      assert.equal(read, 1)
    })
  }

  it('vector data', () => {
    const hex = written(writer => {
      for (const value of [[7], [0x61, 0x61, 0x62], []]) writer.value(2, Uint8Array.from(value))
    })
    assert.equal(hex, vectors.get('data'))
  })

  it('has a vector for each kind of frame, and no other', () => {
    assert.deepEqual([...vectors.keys()].sort(), [...Object.keys(cases), 'data'].sort())
    const types = new Set([...Object.values(cases).map(({ type }) => type), FRAME.data])
    assert.deepEqual(types, new Set(Object.values(FRAME)))
  })

  it('its tables of frames and codes are those of the source', () => {
    const frames = rows('| type | frame |').map(([, type, name]) => [name, Number(type)])
    assert.deepEqual(Object.fromEntries(frames), FRAME)
    const codes = rows('| code | name |').map(([, code, name]) => [name, Number(code)])
    assert.deepEqual(Object.fromEntries(codes), CODE)
  })

  it('its limits are those of the source', () => {
    const number = (value: number) => value.toLocaleString('en-US')
    assert.ok(
      spec.includes(
        `more than ${number(MAX_WINDOW_ITEMS)} items or ${MAX_WINDOW_BYTES / 2 ** 20} MiB`
      )
    )
    assert.ok(spec.includes(`at most ${number(MESSAGE_BYTES)} bytes`))
    assert.ok(spec.includes(`text(${number(SHAPE_BYTES)})`))
    assert.equal(frameLimit(1), 65_536)
    assert.equal(frameLimit(100_000), 100_032)
    assert.ok(spec.includes('max(65,536, maxValueBytes + 32)'))
  })
})
