import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { CODE, type Failure, KIND, type Kind, Violation } from './codes.ts'
import {
  CODEC_NAME_BYTES,
  FINGERPRINT_BYTES,
  MAX_ID,
  MAX_NUMBER,
  MESSAGE_BYTES,
  NAME_BYTES,
  SHAPE_BYTES
} from './limits.ts'

/** How much of a channel may be unread. */
export interface Window {
  /** Values; at least 1. */
  readonly items: number
  /** Encoded bytes; a value may begin while at least one byte is left. */
  readonly bytes: number
}

/** Body of `hello`: the first frame of each end. */
export interface Hello {
  readonly version: number
  /** Longest encoded value that the sender of this frame accepts. */
  readonly maxValueBytes: number
}

/** Body of `bind`. */
export interface BindRequest {
  readonly name: string
  readonly kind: Kind
  readonly codec: string
  /** Values after which the channel ends; 0: no limit. */
  readonly count: number
  /** Of the values that the importer sends; empty: none. */
  readonly sends: Uint8Array
  /** Of the values that the importer receives; empty: none. */
  readonly receives: Uint8Array
  /**
   * What the importer lets the exporter have unread; with kind `send`: what it would like to have
   * unread at the exporter.
   */
  readonly window: Window
}

/** Body of `bound`. */
export interface Bound {
  /** What the exporter lets the importer have unread; with kind `recv` both are 0. */
  readonly window: Window
  /** Values that are not confirmed when the importer leaves go to another importer. */
  readonly redelivers: boolean
}

/** Body of `open`: an end inside a value of the binding `parent`. */
export interface OpenRequest {
  readonly parent: number
  /** `send`: whoever opens it sends, the other end receives. */
  readonly kind: 'send' | 'recv'
  readonly window: Window
}

/** A value of its kind by number; the reverse of {@link KIND}. */
const KINDS: readonly Kind[] = ['recv', 'send', 'call']

const NO_WINDOW: Window = { items: 0, bytes: 0 }

export function encodeHello(hello: Hello): Uint8Array {
  return new ByteWriter().varint(hello.version).varint(hello.maxValueBytes).done()
}

/** Later versions may add fields: what is behind the known ones is ignored. */
export function decodeHello(body: Uint8Array): Hello {
  const reader = new ByteReader(body)
  const version = reader.varint('version', MAX_NUMBER)
  const maxValueBytes = reader.varint('maxValueBytes', MAX_NUMBER)
  return { version, maxValueBytes }
}

export function encodeBind(request: BindRequest): Uint8Array {
  return new ByteWriter()
    .text(request.name, NAME_BYTES)
    .byte(KIND[request.kind])
    .text(request.codec, CODEC_NAME_BYTES)
    .varint(request.count)
    .bytes(request.sends)
    .bytes(request.receives)
    .varint(request.window.items)
    .varint(request.window.bytes)
    .done()
}

export function decodeBind(body: Uint8Array): BindRequest {
  const reader = new ByteReader(body)
  const request: BindRequest = {
    name: reader.text('name', NAME_BYTES),
    kind: kindOf(reader.byte('kind')),
    codec: reader.text('codec', CODEC_NAME_BYTES),
    count: reader.varint('count', MAX_NUMBER),
    sends: fingerprintOf(reader.bytes('sends', FINGERPRINT_BYTES)),
    receives: fingerprintOf(reader.bytes('receives', FINGERPRINT_BYTES)),
    window: decodeWindow(reader)
  }
  reader.end('bind')
  return request
}

export function encodeBound({ window, redelivers }: Bound): Uint8Array {
  return new ByteWriter()
    .varint(window.items)
    .varint(window.bytes)
    .byte(redelivers ? 1 : 0)
    .done()
}

export function decodeBound(body: Uint8Array): Bound {
  const reader = new ByteReader(body)
  const window = decodeWindow(reader)
  const redelivers = reader.byte('redelivers') !== 0
  reader.end('bound')
  return { window, redelivers }
}

export function encodeFailure(failure: Failure | undefined): Uint8Array {
  return writeFailure(new ByteWriter(), failure).done()
}

export function decodeFailure(frame: string, body: Uint8Array): Failure | undefined {
  const reader = new ByteReader(body)
  const failure = readFailure(reader)
  reader.end(frame)
  return failure
}

export function encodeRefuse(failure: Failure): Uint8Array {
  return writeFailure(new ByteWriter(), failure)
    .text(failure.shape ?? '', SHAPE_BYTES)
    .done()
}

export function decodeRefuse(body: Uint8Array): Failure {
  const reader = new ByteReader(body)
  const failure = readFailure(reader)
  if (failure === undefined) throw new Violation(CODE.protocol, 'refuse: without a code')
  const shape = reader.text('shape', SHAPE_BYTES)
  reader.end('refuse')
  return { ...failure, shape }
}

export function encodeHangup(taken: number, failure: Failure | undefined): Uint8Array {
  return writeFailure(new ByteWriter().varint(taken), failure).done()
}

/** `taken`: values taken since the last credit. */
export function decodeHangup(body: Uint8Array): { taken: number; failure: Failure | undefined } {
  const reader = new ByteReader(body)
  const taken = reader.varint('taken', MAX_NUMBER)
  const failure = readFailure(reader)
  reader.end('hangup')
  return { taken, failure }
}

export function encodeCredit(taken: number): Uint8Array {
  return new ByteWriter().varint(taken).done()
}

export function decodeCredit(body: Uint8Array): number {
  const reader = new ByteReader(body)
  const taken = reader.varint('taken', MAX_NUMBER)
  reader.end('credit')
  return taken
}

export function encodeOpen(request: OpenRequest): Uint8Array {
  return new ByteWriter()
    .varint(request.parent)
    .byte(KIND[request.kind])
    .varint(request.window.items)
    .varint(request.window.bytes)
    .done()
}

export function decodeOpen(body: Uint8Array): OpenRequest {
  const reader = new ByteReader(body)
  const parent = reader.varint('parent', MAX_ID)
  const kind = kindOf(reader.byte('kind'))
  if (kind === 'call') throw new Violation(CODE.protocol, 'open: kind call')
  const window = decodeWindow(reader)
  reader.end('open')
  return { parent, kind, window }
}

/** The window of a binding whose other end sends nothing. */
export function noWindow(): Window {
  return NO_WINDOW
}

function decodeWindow(reader: ByteReader): Window {
  return { items: reader.varint('items', MAX_NUMBER), bytes: reader.varint('bytes', MAX_NUMBER) }
}

function kindOf(byte: number): Kind {
  const kind = KINDS[byte]
  if (kind === undefined) throw new Violation(CODE.protocol, `kind: ${byte} is none`)
  return kind
}

function fingerprintOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 0 && bytes.length !== FINGERPRINT_BYTES) {
    throw new Violation(CODE.protocol, `fingerprint: ${bytes.length} bytes`)
  }
  return new Uint8Array(bytes)
}

function writeFailure(writer: ByteWriter, failure: Failure | undefined): ByteWriter {
  return writer
    .varint(failure?.code ?? CODE.none)
    .text(failure === undefined ? '' : failure.message, MESSAGE_BYTES)
}

function readFailure(reader: ByteReader): Failure | undefined {
  const code = reader.varint('code', MAX_NUMBER)
  const message = reader.text('message', MESSAGE_BYTES)
  return code === CODE.none ? undefined : { code, message }
}
