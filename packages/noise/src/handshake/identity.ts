import { publicKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PublicKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { KeyRefusedError, UnexpectedPeerError } from '../errors.ts'
import type { ResolvedIdentityLimits } from '../options.ts'

/**
 * The peer id of an identity key as it stands in a handshake payload, once it is known to be one
 * that is accepted and expected. Whether the peer has the private key is for the signature to say.
 *
 * @throws {KeyRefusedError} when the key cannot be read, or its type or size is not accepted
 * @throws {UnexpectedPeerError} when it is not `expected`
 */
export function identify(
  identityKey: Uint8Array,
  limits: ResolvedIdentityLimits,
  expected: PeerId | undefined
): PeerId {
  let key: PublicKey
  try {
    key = publicKeyFromProtobuf(identityKey)
  } catch (cause) {
    throw new KeyRefusedError('the peer sent an identity key that cannot be read', { cause })
  }
  const peer = peerIdFromPublicKey(key)
  checkIdentity(peer, limits, expected)
  return peer
}

/**
 * Checks a proven identity. Compares whole peer ids, so that keys which a peer id does not contain
 * (RSA, ECDSA) are compared too.
 *
 * @throws {KeyRefusedError} when the type or the size of its key is not accepted
 * @throws {UnexpectedPeerError} when it is not `expected`
 */
export function checkIdentity(
  peer: PeerId,
  limits: ResolvedIdentityLimits,
  expected: PeerId | undefined
): void {
  const key = peer.publicKey
  if (key === undefined || !limits.keyTypes.includes(key.type)) {
    throw new KeyRefusedError(
      `the peer's identity key is of type ${key?.type}; this side accepts ${limits.keyTypes.join(', ')}`
    )
  }
  if (key.type === 'RSA') {
    const bits = rsaBits(key.jwk.n ?? '')
    if (bits < limits.minRsaBits || bits > limits.maxRsaBits) {
      throw new KeyRefusedError(
        `the peer's RSA key has ${bits} bits; this side accepts ${limits.minRsaBits} to ${limits.maxRsaBits}`
      )
    }
  }
  if (expected !== undefined && !expected.equals(peer)) {
    throw new UnexpectedPeerError(
      `expected peer ${expected.toString()} but ${peer.toString()} answered; the address is wrong or somebody stands in between`
    )
  }
}

/** Bits of a modulus in base64url, leading zeros not counted. */
function rsaBits(modulus: string): number {
  const bytes = atob(modulus.replaceAll('-', '+').replaceAll('_', '/'))
  let at = 0
  while (at < bytes.length && bytes.charCodeAt(at) === 0) at++
  if (at === bytes.length) return 0
  return (bytes.length - at) * 8 - (Math.clz32(bytes.charCodeAt(at)) - 24)
}
