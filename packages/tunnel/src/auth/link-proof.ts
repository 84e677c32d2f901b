import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Which end of the control stream speaks: the one that opened it, or the other. */
export type LinkRole = 'initiator' | 'responder'

/** The role of the other end. */
export function otherRole(role: LinkRole): LinkRole {
  return role === 'initiator' ? 'responder' : 'initiator'
}

/** Bytes of a nonce; fresh for every control stream. */
export const NONCE_BYTES = 32
/** Bytes of a proof (HMAC-SHA256). */
export const MAC_BYTES = 32
/** Version of the link protocol that the proof covers. */
export const LINK_VERSION = 1

/** What both ends know of one control stream once the two hellos have crossed. */
export interface LinkTranscript {
  /** Peer ids as multihash bytes, as the secure connection has proven them. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
  readonly initiatorNonce: Uint8Array
  readonly responderNonce: Uint8Array
}

/** The proof key of a network token; the token itself keys nothing on the wire. */
export function tokenProofKey(token: Uint8Array): Uint8Array {
  return proofKey(token, 'warren/tunnel/link/1/token')
}

/** The proof key of a ticket's secret. */
export function ticketProofKey(secret: Uint8Array): Uint8Array {
  return proofKey(secret, 'warren/tunnel/link/1/ticket')
}

function proofKey(secret: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), info, 32))
}

/**
 * Proof of `key` by the end in `role`: HMAC-SHA256 over the version, the role, both peer ids and
 * both nonces, each with its length before it. The role keeps a proof from being sent back; the
 * peer ids keep a proof for one connection from serving on another.
 */
export function linkProof(key: Uint8Array, role: LinkRole, transcript: LinkTranscript): Uint8Array {
  const hmac = createHmac('sha256', key).update('warren/tunnel/link-proof')
  hmac.update(Uint8Array.of(LINK_VERSION, role === 'initiator' ? 1 : 2))
  for (const part of [
    transcript.initiator,
    transcript.responder,
    transcript.initiatorNonce,
    transcript.responderNonce
  ]) {
    hmac.update(Uint8Array.of(part.length >> 8, part.length & 0xff)).update(part)
  }
  return new Uint8Array(hmac.digest())
}

/** Compares two proofs in constant time; a wrong length is unequal. */
export function proofsEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === MAC_BYTES && b.length === MAC_BYTES && timingSafeEqual(a, b)
}

/** Id of a link, the same at both ends: 16 hexadecimal digits of a hash of both nonces. */
export function linkId(transcript: LinkTranscript): string {
  const hash = createHash('sha256').update('warren/tunnel/link-id')
  hash.update(transcript.initiatorNonce).update(transcript.responderNonce)
  return hash.digest('hex').slice(0, 16)
}
