import { createHash, randomBytes } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { InvalidTokenError } from '../errors.ts'

/** Bytes of a network token. */
export const TOKEN_BYTES = 32

const PREFIX = 'wrt1_'
const CHECKSUM_BYTES = 4

/** A new network token: 32 random bytes as `wrt1_…`, with a checksum against typing errors. */
export function generateToken(): string {
  return formatToken(randomBytes(TOKEN_BYTES))
}

/** The text form of the 32 bytes of a token. */
export function formatToken(token: Uint8Array): string {
  if (token.length !== TOKEN_BYTES) {
    throw new InvalidTokenError(`a token has ${TOKEN_BYTES} bytes, not ${token.length}`)
  }
  const payload = new Uint8Array(TOKEN_BYTES + CHECKSUM_BYTES)
  payload.set(token)
  payload.set(checksum(token), TOKEN_BYTES)
  return PREFIX + base32.baseEncode(payload)
}

/**
 * The 32 bytes of a token from its text form `wrt1_…`. The message of an error never repeats the
 * text, which may be a secret with a typing error.
 *
 * @throws {InvalidTokenError} when it is anything else; for passphrases see `tokenFromPassphrase`
 */
export function parseToken(text: string): Uint8Array {
  if (typeof text !== 'string' || !text.startsWith(PREFIX)) {
    throw refused(`it does not begin with ${PREFIX}`)
  }
  let payload: Uint8Array
  try {
    payload = base32.baseDecode(text.slice(PREFIX.length))
  } catch {
    throw refused('it holds a character that is not base32 (a–z, 2–7)')
  }
  if (payload.length !== TOKEN_BYTES + CHECKSUM_BYTES) {
    throw refused('its length is wrong; it was cut or has something added')
  }
  const token = payload.slice(0, TOKEN_BYTES)
  const expected = checksum(token)
  if (!payload.subarray(TOKEN_BYTES).every((byte, i) => byte === expected[i])) {
    throw refused('its checksum does not match; a character is wrong')
  }
  // Trailing bits that base32 leaves over must not make two texts of one token.
  if (formatToken(token) !== text) throw refused('its last character is not the right one')
  return token
}

function refused(why: string): InvalidTokenError {
  return new InvalidTokenError(
    `this is not a network token: ${why}. Copy the whole token, or make one with generateToken()`
  )
}

function checksum(token: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update('warren/token/1')
    .update(token)
    .digest()
    .subarray(0, CHECKSUM_BYTES)
}
