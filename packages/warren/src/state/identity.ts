import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { HomeError } from '../errors.ts'
import { codeOf } from './file-error.ts'
import { checkPrivateFile } from './private-directory.ts'
import { acquireLock } from './process-lock.ts'
import { quarantine } from './state-file.ts'
import type { OnDamage } from './state-file.ts'
import { writeFileSafely } from './write-file.ts'

/** The key pair that a process goes by. */
export interface Identity {
  readonly privateKey: PrivateKey
  /** `false` for one that ends with this process. */
  readonly kept: boolean
  /** Why it is not the kept one: the process that uses that. */
  readonly heldBy?: number | undefined
  /** Lets another process have the kept identity. */
  release(): Promise<void>
}

/** Name of the key file: libp2p's protobuf of a private key, as other libp2p tools read it. */
export const IDENTITY_FILE = 'identity.key'

/** An identity that ends with the process. */
export async function ephemeralIdentity(heldBy?: number): Promise<Identity> {
  const privateKey = await generateKeyPair('Ed25519')
  return { privateKey, kept: false, heldBy, release: async () => {} }
}

/**
 * The identity kept in the state directory `home`, locked for this process; made on first use.
 * When another process uses it, an ephemeral one.
 *
 * @throws ERR_HOME, ERR_HOME_LOOSE
 */
export async function lockedIdentity(home: string, onDamage: OnDamage): Promise<Identity> {
  const lock = await acquireLock(join(home, 'identity.lock'))
  if (!lock.held) return ephemeralIdentity(lock.pid)
  try {
    const privateKey = await readOrMakeKey(join(home, IDENTITY_FILE), onDamage)
    return { privateKey, kept: true, release: () => lock.release() }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The kept key without the lock, for `warren key`: it only looks. Made on first use. */
export async function readOrMakeKey(path: string, onDamage: OnDamage): Promise<PrivateKey> {
  const found = await readKey(path, onDamage)
  if (found !== undefined) return found
  const made = await generateKeyPair('Ed25519')
  // Another process may have been first: its key is the one then.
  if (await writeFileSafely(path, privateKeyToProtobuf(made), { exclusive: true })) return made
  return (await readKey(path, onDamage)) ?? made
}

async function readKey(path: string, onDamage: OnDamage): Promise<PrivateKey | undefined> {
  if (!(await checkPrivateFile(path))) return undefined
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new HomeError(`cannot read ${path} (${codeOf(error)})`, { cause: error })
  }
  try {
    const key = privateKeyFromProtobuf(bytes)
    // The file holds both halves of the key and no checksum; a flipped bit shows here.
    const probe = new TextEncoder().encode('warren')
    if (await key.publicKey.verify(probe, await key.sign(probe))) return key
  } catch {
    // Not a key at all: the same as one that does not fit together.
  }
  return quarantine(
    path,
    'it is not a whole private key; this machine gets a new peer id, and tickets issued by the old one end',
    onDamage
  )
}
