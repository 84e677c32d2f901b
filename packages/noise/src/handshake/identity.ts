import type { PeerId, PublicKey } from '@libp2p/interface'
import { KeyRefusedError, UnexpectedPeerError } from '../errors.ts'
import type { ResolvedIdentityLimits } from '../options.ts'

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
  const key: PublicKey | undefined = peer.publicKey
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
