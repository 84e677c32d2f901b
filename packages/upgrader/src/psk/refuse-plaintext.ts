import { PreSharedKeyError } from '../errors.ts'

/**
 * A pre-shared key alone neither authenticates nor protects from changes: it needs real security
 * above it.
 */
export function refusePlaintext(encrypters: ReadonlyMap<string, unknown>): void {
  const plaintext = [...encrypters.keys()].find(protocol => protocol.startsWith('/plaintext/'))
  if (plaintext === undefined) return
  throw new PreSharedKeyError(
    `a pre-shared key does not replace security: take ${plaintext} out, use Noise or TLS`
  )
}
