import { WarrenError } from '@warren/interface'

/** Thrown when an option of `noise()` or of a seal has a value that makes no sense. */
export class NoiseOptionsError extends WarrenError {
  readonly code = 'ERR_NOISE_OPTIONS'
}

/** Thrown when a handshake did not complete: the peer broke the protocol, has another prologue, or hung up. */
export class NoiseHandshakeError extends WarrenError {
  readonly code = 'ERR_NOISE_HANDSHAKE'
}

/** Thrown when the peer has proven an identity that is not the one that was dialled. */
export class UnexpectedPeerError extends WarrenError {
  override readonly name = 'UnexpectedPeerError'
  readonly code = 'ERR_UNEXPECTED_PEER'
}

/** Thrown when the peer's identity key is of a type or a size that this side does not accept. */
export class KeyRefusedError extends WarrenError {
  readonly code = 'ERR_NOISE_KEY_REFUSED'
}

/** Thrown when a record is forged, damaged, replayed, out of order or too short to be one. */
export class RecordError extends WarrenError {
  readonly code = 'ERR_NOISE_RECORD'
}

/** Thrown when the connection ended inside a record, or a sealed stream without its last record. */
export class TruncatedError extends WarrenError {
  readonly code = 'ERR_NOISE_TRUNCATED'
}

/** Thrown when one direction has used all its nonces; only a new connection can go on. */
export class NonceExhaustedError extends WarrenError {
  readonly code = 'ERR_NOISE_NONCE_EXHAUSTED'
}
