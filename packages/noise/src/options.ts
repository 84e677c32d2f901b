import type { KeyType } from '@libp2p/interface'
import type { NoiseExtensions } from '@libp2p/noise'
import { X25519_BYTES } from './constants.ts'
import { DEFAULTS } from './defaults.ts'
import { NoiseOptionsError } from './errors.ts'

/** Which identity keys a peer may have. */
export interface IdentityLimits {
  /**
   * Types of identity key that a peer may have; any other ends the handshake.
   *
   * @default ["Ed25519","secp256k1","ECDSA","RSA"]
   */
  readonly keyTypes?: readonly KeyType[]
  /**
   * The shortest RSA modulus that a peer may have, in bits.
   *
   * @default 2048
   */
  readonly minRsaBits?: number
  /**
   * The longest RSA modulus that a peer may have, in bits; at most 8192.
   *
   * @default 8192
   */
  readonly maxRsaBits?: number
}

/** Options of {@link noise}. */
export interface NoiseOptions extends IdentityLimits {
  /**
   * X25519 private key of 32 bytes, the static key of every handshake. Without it each encrypter
   * makes its own, which is as good: peers bind it to the identity key by a signature.
   */
  readonly staticNoiseKey?: Uint8Array
  /**
   * Bytes that both ends must know: a peer with other bytes cannot complete a handshake. libp2p
   * peers use none.
   */
  readonly prologue?: Uint8Array
  /** What the handshake tells the peer besides the identity: WebTransport certificate hashes. */
  readonly extensions?: Partial<NoiseExtensions>
  /**
   * The muxers that are offered, as listener, inside the handshake, in order of preference; those
   * that are not configured are left out. Without it the muxer is offered there only when exactly
   * one is configured, and else agreed by multistream-select. With one name both ends always choose
   * the same. Name more only where no dialler is a stock js-libp2p, which does not
   * follow the specification's order.
   */
  readonly earlyMuxers?: readonly string[]
  /**
   * The longest handshake message that is accepted, in bytes without its length; at most 65535. A
   * longer one ends the handshake before its body is kept.
   *
   * @default 4192
   */
  readonly maxHandshakeMessageBytes?: number
}

/** {@link IdentityLimits} with every field filled in. */
export type ResolvedIdentityLimits = Required<IdentityLimits>

/** {@link NoiseOptions}, checked, with the defaults filled in. */
export type ResolvedNoiseOptions = ResolvedIdentityLimits &
  Pick<NoiseOptions, 'staticNoiseKey' | 'earlyMuxers'> & {
    readonly prologue: Uint8Array
    readonly webtransportCerthashes: readonly Uint8Array[]
    readonly maxHandshakeMessageBytes: number
  }

const KEY_TYPES: ReadonlySet<string> = new Set<KeyType>(DEFAULTS.keyTypes)

/** The most RSA bits that the key library takes. */
const MAX_RSA_BITS = DEFAULTS.maxRsaBits

/**
 * Fills in and checks `options`; the caller's arrays are copied.
 *
 * @throws {NoiseOptionsError} when one makes no sense
 */
export function resolveOptions(options: NoiseOptions = {}): ResolvedNoiseOptions {
  const { staticNoiseKey, earlyMuxers } = options
  const maxHandshakeMessageBytes =
    options.maxHandshakeMessageBytes ?? DEFAULTS.maxHandshakeMessageBytes
  if (staticNoiseKey !== undefined && staticNoiseKey.byteLength !== X25519_BYTES) {
    throw new NoiseOptionsError(
      `staticNoiseKey has ${staticNoiseKey.byteLength} bytes; an X25519 private key has ${X25519_BYTES}`
    )
  }
  if (earlyMuxers?.some(name => name === '')) {
    throw new NoiseOptionsError('earlyMuxers holds an empty name; give protocol names')
  }
  checkRange('maxHandshakeMessageBytes', maxHandshakeMessageBytes, 512, 65_535)
  return {
    ...resolveIdentityLimits(options),
    ...(staticNoiseKey === undefined ? {} : { staticNoiseKey: staticNoiseKey.slice() }),
    ...(earlyMuxers === undefined ? {} : { earlyMuxers: [...earlyMuxers] }),
    prologue: options.prologue?.slice() ?? new Uint8Array(0),
    webtransportCerthashes: (options.extensions?.webtransportCerthashes ?? []).map(hash =>
      hash.slice()
    ),
    maxHandshakeMessageBytes
  }
}

/**
 * Fills in and checks the limits on identity keys.
 *
 * @throws {NoiseOptionsError} when one makes no sense
 */
export function resolveIdentityLimits(limits: IdentityLimits): ResolvedIdentityLimits {
  const keyTypes = [...(limits.keyTypes ?? DEFAULTS.keyTypes)]
  const { minRsaBits = DEFAULTS.minRsaBits, maxRsaBits = DEFAULTS.maxRsaBits } = limits
  const unknown = keyTypes.find(type => !KEY_TYPES.has(type))
  if (keyTypes.length === 0 || unknown !== undefined) {
    throw new NoiseOptionsError(
      `keyTypes ${unknown === undefined ? 'is empty' : `names ${JSON.stringify(unknown)}`}; use some of ${[...KEY_TYPES].join(', ')}`
    )
  }
  checkRange('minRsaBits', minRsaBits, 1_024, MAX_RSA_BITS)
  checkRange('maxRsaBits', maxRsaBits, minRsaBits, MAX_RSA_BITS)
  return { keyTypes, minRsaBits, maxRsaBits }
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new NoiseOptionsError(`${name} is ${value}; give a whole number from ${min} to ${max}`)
}
