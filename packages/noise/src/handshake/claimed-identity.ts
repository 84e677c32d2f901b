import { publicKeyFromProtobuf, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PeerId, PublicKey, RSAPublicKey } from '@libp2p/interface'
import { peerIdFromMultihash, peerIdFromPublicKey } from '@libp2p/peer-id'
import { create as createDigest } from 'multiformats/hashes/digest'
import { KeyRefusedError } from '../errors.ts'
import type { ResolvedIdentityLimits } from '../options.ts'
import { sha256 } from '../platform/crypto.ts'
import { checkIdentity } from './identity.ts'

/** Multihash code of the identity: short keys are in the id as they are. */
const IDENTITY = 0x00

/** Multihash code of SHA-256. */
const SHA2_256 = 0x12

/** Who a peer says it is. */
export interface ClaimedIdentity {
  readonly peer: PeerId
  readonly key: PublicKey
}

/**
 * Who the identity key in a handshake payload stands for, once that is known to be accepted and
 * expected. Whether the peer has the private key is for the signature to say.
 *
 * @throws {KeyRefusedError} when the key cannot be read, or its type or size is not accepted
 * @throws {UnexpectedPeerError} when it is not `expected`
 */
export function identify(
  identityKey: Uint8Array,
  limits: ResolvedIdentityLimits,
  expected: PeerId | undefined
): ClaimedIdentity {
  let key: PublicKey
  try {
    key = publicKeyFromProtobuf(identityKey)
  } catch (cause) {
    throw new KeyRefusedError('the peer sent an identity key that cannot be read', { cause })
  }
  const peer = peerIdOf(key)
  checkIdentity(peer, limits, expected)
  return { peer, key }
}

/**
 * The peer id of a key. libp2p's own function has no word for ECDSA. By the specification such an id
 * is the hash of the key, as for RSA (libp2p peer-ids, "Peer IDs"); it is given in that form, with
 * the key.
 */
export function peerIdOf(key: PublicKey): PeerId {
  if (key.type !== 'ECDSA') return compact(peerIdFromPublicKey(key))
  const digest = createDigest(SHA2_256, sha256(publicKeyToProtobuf(key)))
  return Object.assign(peerIdFromMultihash(digest) as PeerId, {
    publicKey: key as unknown as RSAPublicKey
  })
}

/**
 * The same id in memory of its own. The library's keep a piece of a pool of 8 KiB, and their text as
 * the fifty pieces that it was put together from: as long as the connection, so for many it matters.
 */
function compact(peer: PeerId): PeerId {
  const { code, digest } = peer.toMultihash()
  if (code !== IDENTITY) return peer
  const copy = peerIdFromMultihash(createDigest(IDENTITY, Uint8Array.from(digest))) as PeerId
  // Whoever searches a text in pieces, the engine joins it for first.
  copy.toString().search('/')
  return copy
}
