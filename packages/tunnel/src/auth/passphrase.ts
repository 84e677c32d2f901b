import { scrypt } from 'node:crypto'
import type { AbortOptions } from '@libp2p/interface'
import { waitFor } from '@warren/utils'
import { InvalidTokenError } from '../errors.ts'
import { formatToken, TOKEN_BYTES } from './token.ts'

/** Characters of the shortest passphrase. */
const MIN_LENGTH = 16
/** 128 MiB and about half a second for one guess. */
const COST = { N: 2 ** 17, r: 8, p: 1, maxmem: 2 ** 28 }

/**
 * The token that a passphrase stands for in the network with this name, where people must carry it in
 * their heads; {@link generateToken} makes a better one. Whoever can begin a link can test guesses
 * afterwards, each for 128 MiB of memory: so take several words drawn at random.
 *
 * By scrypt (N 2^17, r 8, p 1), over the passphrase in NFC, with the name of the network as salt.
 *
 * @param network what keeps networks with one passphrase apart: not secret, the same on every node
 * @throws {InvalidTokenError} when the passphrase has less than 16 characters, or the name is empty;
 * the signal's reason
 */
export async function tokenFromPassphrase(
  passphrase: string,
  network: string,
  options: AbortOptions = {}
): Promise<string> {
  options.signal?.throwIfAborted()
  const words = passphrase.normalize('NFC')
  if (words.length < MIN_LENGTH || network === '') {
    throw new InvalidTokenError(
      `a passphrase has at least ${MIN_LENGTH} characters, and its network a name: use several ` +
        'words drawn at random, or generateToken()'
    )
  }
  const salt = `warren/token/passphrase/1 ${network.normalize('NFC')}`
  const derived = new Promise<Uint8Array>((resolve, reject) => {
    scrypt(words, salt, TOKEN_BYTES, COST, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
  return formatToken(new Uint8Array(await waitFor(derived, options.signal)))
}
