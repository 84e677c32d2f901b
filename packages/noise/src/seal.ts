import type { AbortOptions, MessageStream, PeerId, PrivateKey } from '@libp2p/interface'
import { runHandshake, type Role } from './handshake/handshake.ts'
import { LocalIdentity } from './handshake/local-identity.ts'
import { resolveOptions, type IdentityLimits } from './options.ts'
import { openSealed } from './stream/open-records.ts'
import type { SealedStream } from './stream/sealed-stream.ts'

/** How a stream is sealed. */
export interface SealOptions extends AbortOptions, IdentityLimits {
  /** Our identity, which the peer will have proven to it. */
  readonly privateKey: PrivateKey
  /** Whom the peer has to be; without it anybody who knows the prologue. */
  readonly remotePeer?: PeerId
  /** What both ends must agree on: it is bound into the keys and never sent. */
  readonly prologue?: Uint8Array
  /**
   * What was read from the stream beyond what came before the seal. The stream has to be paused since;
   * it is resumed.
   */
  readonly early?: Uint8Array
}

/** A sealed stream and who is at its other end. */
export interface Sealed {
  /** The plaintext. */
  readonly stream: SealedStream
  readonly remotePeer: PeerId
}

/** One static key and one signature per identity, however many streams it seals. */
const identities = new WeakMap<PrivateKey, LocalIdentity>()

/**
 * Encrypts `stream` end to end as the side that opened it: Noise XX with both identities, no muxer.
 * A failure leaves `stream` to the caller to abort.
 *
 * @throws {UnexpectedPeerError} when the peer is not `remotePeer`
 * @throws {KeyRefusedError} when its key is not accepted
 * @throws {NoiseHandshakeError} when the handshake failed, as with another prologue
 * @throws the signal's reason when it fired
 */
export function sealOutbound(stream: MessageStream, options: SealOptions): Promise<Sealed> {
  return seal('initiator', stream, options)
}

/** As {@link sealOutbound}, on the side that accepted the stream. */
export function sealInbound(stream: MessageStream, options: SealOptions): Promise<Sealed> {
  return seal('responder', stream, options)
}

async function seal(role: Role, raw: MessageStream, options: SealOptions): Promise<Sealed> {
  const { privateKey, prologue, early, signal } = options
  let identity = identities.get(privateKey)
  if (identity === undefined) {
    identity = new LocalIdentity(privateKey)
    identities.set(privateKey, identity)
  }
  const result = await runHandshake({
    role,
    raw,
    identity,
    options: resolveOptions({
      ...limitsOf(options),
      ...(prologue === undefined ? {} : { prologue })
    }),
    remotePeer: options.remotePeer,
    localMuxers: () => [],
    ...(early === undefined ? {} : { early }),
    ...(signal === undefined ? {} : { signal })
  })
  return {
    stream: openSealed(raw, role, result),
    remotePeer: result.remotePeer
  }
}

function limitsOf({ keyTypes, minRsaBits, maxRsaBits }: IdentityLimits): IdentityLimits {
  return {
    ...(keyTypes === undefined ? {} : { keyTypes }),
    ...(minRsaBits === undefined ? {} : { minRsaBits }),
    ...(maxRsaBits === undefined ? {} : { maxRsaBits })
  }
}
