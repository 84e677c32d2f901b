import { noise as libraryNoise } from '@chainsafe/libp2p-noise'
import type { AbortOptions, MessageStream, PeerId, Upgrader } from '@libp2p/interface'
import { WarrenError } from '@warren/interface'
import { describeError } from '@warren/utils'
import { NoiseHandshakeError } from '../errors.ts'
import type { ResolvedNoiseOptions } from '../options.ts'
import { HandshakeConn, type Remainder } from './handshake-conn.ts'
import { HandshakeCrypto, type TransportKeys } from './handshake-crypto.ts'
import { checkIdentity, identify } from './identity.ts'
import type { LocalIdentity } from './local-identity.ts'
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
  const { role, raw, identity, options, signal } = init
  signal?.throwIfAborted()
  const identitySig = await identity.signature()
  let remote: HandshakePayload | undefined
  let localMuxers: readonly string[] = []
  /** What our own check found; the library would replace it by an error of its own. */
  let refusal: Error | undefined

  const crypto = new HandshakeCrypto(identity.staticKey, {
    localPayload() {
      localMuxers = init.localMuxers(remote?.streamMuxers ?? [])
      return encodePayload({
        identityKey: identity.publicKey,
        identitySig,
        webtransportCerthashes: options.webtransportCerthashes,
        streamMuxers: localMuxers
      })
    },
    onRemotePayload(bytes) {
      try {
        remote = decodePayload(bytes)
        identify(remote.identityKey, options, init.remotePeer)
      } catch (error) {
        refusal = error as Error
        throw error
      }
    }
  })
  const library = libraryNoise({ crypto, staticNoiseKey: SEED, prologueBytes: options.prologue })({
    peerId: undefined as never,
    privateKey: identity.signer(),
    logger: { forComponent: () => silentLogger },
    upgrader: NO_MUXERS
  })
  const conn = new HandshakeConn(raw, {
    frames: role === 'initiator' ? 1 : 2,
    maxFrameBytes: options.maxHandshakeMessageBytes
  })
  let remainder: Remainder | undefined
  try {
    const settings = {
      skipStreamMuxerNegotiation: true,
      ...(signal === undefined ? {} : { signal })
    }
    const secured =
      role === 'initiator'
        ? await library.secureOutbound(conn, settings)
        : await library.secureInbound(conn, settings)
    signal?.throwIfAborted()
    remainder = conn.release()
    const keys = crypto.transportKeys
    if (keys === undefined || remote === undefined) {
      throw new NoiseHandshakeError('the handshake ended without keys')
    }
    // Again, on what the library has verified: it and we might read one payload differently.
    checkIdentity(secured.remotePeer, options, init.remotePeer)
    return { ...remainder, remotePeer: secured.remotePeer, keys, remote, localMuxers }
  } catch (cause) {
    signal?.throwIfAborted()
    throw refusal ?? asHandshakeError(cause, conn)
  } finally {
    if (remainder === undefined) conn.release()
  }
}

function asHandshakeError(cause: unknown, conn: HandshakeConn): Error {
  if (cause instanceof WarrenError) return cause
  const what =
    conn.status === 'open'
      ? `the peer broke off or forged the Noise handshake, or has another prologue: ${describeError(cause)}`
      : `the connection closed during the Noise handshake: ${describeError(cause)}`
  return new NoiseHandshakeError(what, { cause })
}
