import { createCipheriv, createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'

/** Bytes made at a time. */
const CHUNK = 256 * 1024
const BLOCK = 16
const KEY = Buffer.from('warren demo file')

/**
 * The bytes of the demo file from `start` up to `end`: AES-128 in counter mode over zeros. So it
 * looks random (nothing on the way can compress or repeat it unnoticed), needs no disk, and can be
 * made from any offset.
 */
export function* content(start: number, end: number): Generator<Buffer> {
  const iv = Buffer.alloc(BLOCK)
  iv.writeBigUInt64BE(BigInt(Math.floor(start / BLOCK)), 8)
  const cipher = createCipheriv('aes-128-ctr', KEY, iv)
  cipher.update(Buffer.alloc(start % BLOCK))
  const zeros = Buffer.alloc(CHUNK)
  for (let at = start; at < end; at += CHUNK) {
    yield cipher.update(at + CHUNK <= end ? zeros : zeros.subarray(0, end - at))
  }
}

/** SHA-256 of the first `size` bytes, made here and now without any network. */
export async function contentHash(size: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  let chunks = 0
  for (const chunk of content(0, size)) {
    hash.update(chunk)
    // Lets signals and sockets have their turn now and then.
    if (++chunks % 64 === 0) {
      await turn()
      signal?.throwIfAborted()
    }
  }
  return hash.digest('hex')
}
