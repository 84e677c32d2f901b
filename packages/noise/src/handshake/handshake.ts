import { noise as libraryNoise } from '@libp2p/noise'
import type { AbortOptions, MessageStream, PeerId, Upgrader } from '@libp2p/interface'
import { WarrenError } from '@warren/interface'
import { describeError } from '@warren/utils'
import { NoiseHandshakeError } from '../errors.ts'
import type { ResolvedNoiseOptions } from '../options.ts'
import { HandshakeConn, type Remainder } from './handshake-conn.ts'
import { HandshakeCrypto, type TransportKeys } from './handshake-crypto.ts'
import { identify, type ClaimedIdentity } from './claimed-identity.ts'
import { checkIdentity } from './identity.ts'
import { signedBytes, type LocalIdentity } from './local-identity.ts'
import { decodePayload, encodePayload, type HandshakePayload } from './payload.ts'
import { silentLogger } from './silent-logger.ts'

/** Which end of a handshake this is. */
export type Role = 'initiator' | 'responder'

/** One handshake to run. */
export interface HandshakeInit extends AbortOptions {
  readonly role: Role
  readonly raw: MessageStream
  readonly identity: LocalIdentity
  readonly options: ResolvedNoiseOptions
  /** Whom the peer has to be; anybody when it is not known. */
  readonly remotePeer?: PeerId | undefined
  /**
   * The muxers to name to the peer. An initiator knows the peer's by then and names at most the one
   * that it has chosen.
   */
  localMuxers(remote: readonly string[]): readonly string[]
  /** The first bytes of `raw`, which is paused since they were read. */
  readonly early?: Uint8Array
}

/** What a handshake has brought. */
export interface HandshakeResult extends Remainder {
  readonly remotePeer: PeerId
  readonly keys: TransportKeys
  readonly remote: HandshakePayload
  /** The muxers that were named to the peer. */
  readonly localMuxers: readonly string[]
}

/** Stands in for a private key of ours; the crypto object has the real one. */
const SEED = new Uint8Array(32)

/** The library is to leave the muxer alone. */
const NO_MUXERS = { getStreamMuxers: () => new Map() } as unknown as Upgrader

/**
 * Runs one XX handshake over `raw` with the library. Afterwards, however it ends, no listener of
 * ours is left on `raw`; a failure leaves it to the caller to abort `raw`.
 *
 * @throws {UnexpectedPeerError} when the peer is not `remotePeer`
 * @throws {KeyRefusedError} when its key is not accepted
 * @throws {NoiseHandshakeError} when the handshake failed otherwise
 * @throws the signal's reason when it fired
 */
export async function runHandshake(init: HandshakeInit): Promise<HandshakeResult> {
  const { role, raw, identity: local, options, signal } = init
  signal?.throwIfAborted()
  const identitySig = await local.signature()
  let remote: RemoteClaim | undefined
  let localMuxers: readonly string[] = []
  /** What our own check found; the library would replace it by an error of its own. */
  let refusal: Error | undefined

  const crypto = new HandshakeCrypto(local.staticKey, {
    localPayload() {
      localMuxers = init.localMuxers(remote?.payload.streamMuxers ?? [])
      return encodePayload({
        identityKey: local.publicKey,
        identitySig,
        webtransportCerthashes: options.webtransportCerthashes,
        streamMuxers: localMuxers
      })
    },
    onRemotePayload(bytes, staticKey) {
      try {
        const payload = decodePayload(bytes)
        const identity = identify(payload.identityKey, options, init.remotePeer)
        remote = { ...identity, payload, staticKey }
      } catch (error) {
        refusal = error as Error
        throw error
      }
    }
  })
  const library = libraryNoise({ crypto, staticNoiseKey: SEED, prologueBytes: options.prologue })({
    peerId: undefined as never,
    privateKey: local.signer(),
    logger: { forComponent: () => silentLogger },
    upgrader: NO_MUXERS
  })
  const conn = new HandshakeConn(raw, {
    frames: role === 'initiator' ? 1 : 2,
    maxFrameBytes: options.maxHandshakeMessageBytes,
    ...(init.early === undefined ? {} : { early: init.early })
  })
  let remainder: Remainder | undefined
  try {
    const settings = {
      skipStreamMuxerNegotiation: true,
      ...(signal === undefined ? {} : { signal })
    }
    let peer: PeerId
    try {
      const secured =
        role === 'initiator'
          ? await library.secureOutbound(conn, settings)
          : await library.secureInbound(conn, settings)
      peer = secured.remotePeer
    } catch (error) {
      // The library stops at the last step, the peer id, where the identity is an ECDSA key.
      if (crypto.transportKeys === undefined || remote === undefined) throw error
      peer = await proven(remote, error)
    }
    signal?.throwIfAborted()
    remainder = conn.release()
    const keys = crypto.transportKeys
    if (keys === undefined || remote === undefined) {
      throw new NoiseHandshakeError('the handshake ended without keys')
    }
    // Again, on what was verified: the library and we might read one payload differently.
    checkIdentity(peer, options, init.remotePeer)
    return { ...remainder, remotePeer: peer, keys, remote: remote.payload, localMuxers }
  } catch (cause) {
    signal?.throwIfAborted()
    throw refusal ?? asHandshakeError(cause, conn)
  } finally {
    if (remainder === undefined) conn.release()
  }
}

/** What the peer says of itself. */
interface RemoteClaim extends ClaimedIdentity {
  readonly payload: HandshakePayload
  readonly staticKey: Uint8Array
}

/** The peer of `claim`, once its identity key has been seen to have signed its static key. */
async function proven(claim: RemoteClaim, cause: unknown): Promise<PeerId> {
  const { key, peer, payload, staticKey } = claim
  if (key.type !== 'ECDSA' || !(await key.verify(signedBytes(staticKey), payload.identitySig))) {
    throw new NoiseHandshakeError('the peer has not proven its identity', { cause })
  }
  return peer
}

function asHandshakeError(cause: unknown, conn: HandshakeConn): Error {
  if (cause instanceof WarrenError) return cause
  const what =
    conn.status === 'open'
      ? `the peer broke off or forged the Noise handshake, or has another prologue: ${describeError(cause)}`
      : `the connection closed during the Noise handshake: ${describeError(cause)}`
  return new NoiseHandshakeError(what, { cause })
}
