import { createHmac } from 'node:crypto'
import { writeU16, writeU32 } from '../session/wire-numbers.ts'

/** Bytes of a hint: which secret seals a stream. */
export const SEAL_HINT_BYTES = 8
/** What stands for a secret between two ends that are `open`: the seal proves identities only. */
export const OPEN_SECRET: Uint8Array = new Uint8Array(32)

const encoder = new TextEncoder()

/**
 * The key of a seal for one channel: HMAC-SHA256 under the proof key of a token or a ticket. A stream
 * that resumes a session has no channel here: its head proves the session, and with it the channel.
 */
export function sealKey(proofKey: Uint8Array, channel: string): Uint8Array {
  const hmac = createHmac('sha256', proofKey).update('warren/session/1/seal')
  return new Uint8Array(hmac.update(channel).digest())
}

/** Tells which key seals a stream to who has it, and nothing to others; another one for each stream. */
export function sealHint(key: Uint8Array, id: Uint8Array, epoch: number): Uint8Array {
  const number = new Uint8Array(4)
  writeU32(number, 0, epoch)
  const hmac = createHmac('sha256', key).update('warren/session/1/seal-hint').update(id)
  return new Uint8Array(hmac.update(number).digest().subarray(0, SEAL_HINT_BYTES))
}

/** What the two ends of a seal must agree on. */
export interface SealTerms {
  readonly key: Uint8Array
  /** Peer ids as multihash bytes. */
  readonly dialler: Uint8Array
  readonly acceptor: Uint8Array
  /** The whole clear head, as it is on the wire. */
  readonly head: Uint8Array
}

/** The prologue of the Noise handshake: the label, the key, both peers with their lengths, the head. */
export function sealPrologue({ key, dialler, acceptor, head }: SealTerms): Uint8Array {
  const label = encoder.encode('warren/session/1/seal')
  const parts = [label, key, lengthOf(dialler), dialler, lengthOf(acceptor), acceptor, head]
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function lengthOf(part: Uint8Array): Uint8Array {
  const length = new Uint8Array(2)
  writeU16(length, 0, part.length)
  return length
}
