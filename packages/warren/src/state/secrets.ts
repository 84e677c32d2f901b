import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pipe, regex, string } from 'valibot'
import { HomeError } from '../errors.ts'
import { readState, writeState } from './state-file.ts'
import type { OnDamage, StateKind } from './state-file.ts'

const KEY: StateKind<string> = {
  kind: 'ticket-key',
  schema: pipe(string(), regex(/^[0-9a-f]{64}$/, 'it is not 32 bytes'))
}

const TOKEN: StateKind<string> = {
  kind: 'token',
  schema: pipe(string(), regex(/^wrt1_[A-Za-z0-9_-]{1,200}$/, 'it is not a token'))
}

/** The 32-byte key that tickets of this state directory are derived from; made on first use. */
export async function ticketKey(home: string, onDamage: OnDamage): Promise<Uint8Array> {
  const text = await readOrMake(join(home, 'ticket-key.json'), KEY, onDamage, () =>
    randomBytes(32).toString('hex')
  )
  return Buffer.from(text, 'hex')
}

/** The network's token kept in this state directory, or `undefined` when there is none. */
export function savedToken(home: string, onDamage: OnDamage): Promise<string | undefined> {
  return readState(join(home, 'token.json'), TOKEN, onDamage)
}

/** The network's token kept in this state directory; the first call keeps what `make` gives. */
export function token(home: string, onDamage: OnDamage, make: () => string): Promise<string> {
  return readOrMake(join(home, 'token.json'), TOKEN, onDamage, make)
}

async function readOrMake(
  path: string,
  kind: StateKind<string>,
  onDamage: OnDamage,
  make: () => string
): Promise<string> {
  const found = await readState(path, kind, onDamage)
  if (found !== undefined) return found
  const made = make()
  if (await writeState(path, kind, made, { exclusive: true })) return made
  const theirs = await readState(path, kind, onDamage)
  if (theirs === undefined) throw new HomeError(`${path} changes while it is read: try again`)
  return theirs
}
