/**
 * libp2p's `/noise` as a `ConnectionEncrypter`: the handshake of `@libp2p/noise`, and
 * records of our own that carry the bytes; on `node:crypto`, or in a browser in JavaScript.
 *
 * @packageDocumentation
 */
import type { ConnectionEncrypter } from '@libp2p/interface'
import type { NoiseExtensions } from '@libp2p/noise'
import type { NoiseComponents } from './components.ts'
import { NoiseEncrypter } from './encrypter.ts'
import { resolveOptions, type NoiseOptions } from './options.ts'

/**
 * The encrypter, for `connectionEncrypters`.
 *
 * @throws {NoiseOptionsError} when an option makes no sense
 */
export function noise(
  options: NoiseOptions = {}
): (components: NoiseComponents) => ConnectionEncrypter<NoiseExtensions> {
  const resolved = resolveOptions(options)
  return components => new NoiseEncrypter(components, resolved)
}

export { sealInbound, sealOutbound } from './seal.ts'
export type { Sealed, SealOptions } from './seal.ts'
export type { SealedStream } from './stream/sealed-stream.ts'
export type { NoiseComponents } from './components.ts'
export type { IdentityLimits, NoiseOptions } from './options.ts'
export type { NoiseExtensions } from '@libp2p/noise'
export { DEFAULTS } from './defaults.ts'
export {
  KeyRefusedError,
  NoiseHandshakeError,
  NoiseOptionsError,
  NonceExhaustedError,
  RecordError,
  TruncatedError,
  UnexpectedPeerError
} from './errors.ts'
