import { createHash } from 'node:crypto'
import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

/** What a stream has delivered. */
export interface Inbox {
  readonly chunks: Uint8Array[]
  readonly byteLength: number
  /** All bytes so far, in one array. */
  bytes(): Uint8Array
  /** Resolves once `count` bytes are here; rejects when the stream closes before. */
  has(count: number): Promise<void>
  /** Resolves with the 'close' event. */
  readonly closed: Promise<StreamCloseEvent>
}

/** Collects what `stream` delivers from now on. */
export function inbox(stream: MessageStream): Inbox {
  const chunks: Uint8Array[] = []
  let byteLength = 0
  const waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = []
  const closed = new Promise<StreamCloseEvent>(resolve => {
    stream.addEventListener('close', event => {
      resolve(event)
      for (const one of waiting.splice(0)) {
        one.reject(event.error ?? new Error(`closed after ${byteLength} of ${one.count} bytes`))
      }
    })
  })
  stream.addEventListener('message', (event: StreamMessageEvent) => {
    const data = event.data.subarray()
    chunks.push(data)
    byteLength += data.byteLength
    for (const one of waiting.slice()) {
      if (one.count > byteLength) continue
      waiting.splice(waiting.indexOf(one), 1)
      one.resolve()
    }
  })
  return {
    chunks,
    get byteLength() {
      return byteLength
    },
    bytes: () => Buffer.concat(chunks),
    has: count =>
      count <= byteLength
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            waiting.push({ count, resolve, reject })
          }),
    closed
  }
}

/** Sends everything, waiting for 'drain' where the stream asks for it. */
export async function sendAll(stream: MessageStream, chunks: Iterable<Uint8Array>): Promise<void> {
  for (const chunk of chunks) {
    if (!stream.send(chunk)) await drain(stream)
  }
}

/** The next 'drain'. */
export async function drain(stream: MessageStream): Promise<void> {
  if (!stream.writableNeedsDrain) return
  await new Promise<void>((resolve, reject) => {
    const settle = (how: () => void): void => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      how()
    }
    const onDrain = (): void => settle(resolve)
    const onClose = (): void => settle(() => reject(new Error('closed before it drained')))
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
  })
}

/** Byte `i` of every test transfer. */
export function pattern(size: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = ((from + i) * 2_654_435_761) >>> 24
  return bytes
}

/** SHA-256 in hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A seeded generator of numbers from 0 up to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
