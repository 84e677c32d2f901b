import { readFile, rename, stat } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { safeParse } from 'valibot'
import type { GenericSchema } from 'valibot'
import { HomeError, StateTooNewError } from '../errors.ts'
import { codeOf } from './file-error.ts'
import { checkPrivateFile } from './private-directory.ts'
import { writeFileSafely } from './write-file.ts'
import type { WriteOptions } from './write-file.ts'

/** Version of the envelope around the data of a state file. */
const FORMAT = 1

/** No state file is longer; a longer one is not read at all. */
const MAX_BYTES = 1024 * 1024

/** Told when a damaged file was put aside. */
export type OnDamage = (message: string) => void

/** What a state file holds, and how it is recognised. */
export interface StateKind<T> {
  /** Written into the file, so that a file under another name is not taken for this one. */
  readonly kind: string
  readonly schema: GenericSchema<unknown, T>
}

/**
 * Reads a state file: `{"warren":1,"kind":…,"crc":…,"data":…}`.
 *
 * A damaged one (cut short, bits flipped, not ours) is renamed to `….bad-<time>` and counts as
 * missing; `onDamage` gets a message about it.
 *
 * @throws ERR_HOME_LOOSE, ERR_HOME, and ERR_STATE_TOO_NEW for a file of a newer Warren
 */
export async function readState<T>(
  path: string,
  { kind, schema }: StateKind<T>,
  onDamage: OnDamage
): Promise<T | undefined> {
  if (!(await checkPrivateFile(path))) return undefined
  const text = await readBounded(path)
  if (text === undefined) return undefined
  const damage = (why: string): Promise<undefined> => quarantine(path, why, onDamage)

  let envelope: unknown
  try {
    envelope = JSON.parse(text)
  } catch {
    return damage('it is not JSON')
  }
  if (typeof envelope !== 'object' || envelope === null) return damage('it is not an object')
  const { warren, kind: found, crc, data } = envelope as Record<string, unknown>
  if (typeof warren === 'number' && Number.isInteger(warren) && warren > FORMAT) {
    throw new StateTooNewError(
      `${path} was written by a newer warren (format ${warren}, known here: ${FORMAT}): ` +
        'update warren, or use another --home'
    )
  }
  if (warren !== FORMAT || found !== kind) return damage(`it is not a ${kind} file`)
  if (crc !== checksum(data)) return damage('its checksum is wrong')
  const parsed = safeParse(schema, data)
  return parsed.success ? parsed.output : damage(parsed.issues[0].message)
}

/** Writes a state file; see {@link writeFileSafely} for what survives a crash. */
export async function writeState<T>(
  path: string,
  { kind }: StateKind<T>,
  data: T,
  options?: WriteOptions
): Promise<boolean> {
  const envelope = { warren: FORMAT, kind, crc: checksum(data), data }
  return writeFileSafely(path, `${JSON.stringify(envelope)}\n`, options)
}

/** Puts a damaged file aside, so that it is neither used nor lost. */
export async function quarantine(
  path: string,
  why: string,
  onDamage: OnDamage
): Promise<undefined> {
  const aside = `${path}.bad-${new Date().toISOString().replace(/[:.]/g, '-')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new HomeError(`${path} is damaged (${why}) and cannot be moved away`, { cause: error })
  }
  onDamage(`${path} is damaged (${why}): it was kept as ${aside} and started anew`)
  return undefined
}

async function readBounded(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > MAX_BYTES) return ''
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new HomeError(`cannot read ${path} (${codeOf(error)})`, { cause: error })
  }
}

function checksum(data: unknown): string {
  return crc32(JSON.stringify(data) ?? '')
    .toString(16)
    .padStart(8, '0')
}
