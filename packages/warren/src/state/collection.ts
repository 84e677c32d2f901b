import { createHash } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { object, string } from 'valibot'
import type { GenericSchema } from 'valibot'
import { HomeError } from '../errors.ts'
import { codeOf } from './file-error.ts'
import { privateDirectory } from './private-directory.ts'
import { readState, writeState } from './state-file.ts'
import type { OnDamage, StateKind } from './state-file.ts'
import type { WriteOptions } from './write-file.ts'

/** More records are not kept; what a user shares and opens stays far below. */
export const MAX_RECORDS = 10_000

/** Keys that can be file names as they are on every file system. */
const PLAIN = /^[a-z0-9][a-z0-9._-]{0,99}$/

interface Entry<T> {
  readonly key: string
  readonly value: T
}

/**
 * Records kept as one file each in a directory, so that processes that work in one state directory
 * never overwrite each other's changes, and a damaged record costs only itself.
 */
export class Collection<T> {
  readonly #directory: string
  readonly #kind: StateKind<Entry<T>>
  readonly #onDamage: OnDamage

  constructor(
    directory: string,
    kind: string,
    schema: GenericSchema<unknown, T>,
    onDamage: OnDamage
  ) {
    this.#directory = directory
    this.#kind = { kind, schema: object({ key: string(), value: schema }) }
    this.#onDamage = onDamage
  }

  /** The record under `key`, if there is one and it is whole. */
  async get(key: string): Promise<T | undefined> {
    const entry = await readState(this.#path(key), this.#kind, this.#onDamage)
    return entry?.key === key ? entry.value : undefined
  }

  /**
   * Keeps `value` under `key`.
   *
   * @returns `false` when `exclusive` and there was one already
   * @throws ERR_HOME when it cannot be written, or there are too many records
   */
  async put(key: string, value: T, options?: WriteOptions): Promise<boolean> {
    await privateDirectory(this.#directory)
    if ((await this.#files()).length >= MAX_RECORDS) {
      throw new HomeError(
        `${this.#directory} holds ${MAX_RECORDS} records, no more are kept: remove old ones`
      )
    }
    return writeState(this.#path(key), this.#kind, { key, value }, options)
  }

  /** Forgets the record under `key`, if there is one. */
  async delete(key: string): Promise<void> {
    try {
      await unlink(this.#path(key))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw new HomeError(`cannot remove ${this.#path(key)} (${codeOf(error)})`, { cause: error })
    }
  }

  /** All whole records, in the order of their keys. */
  async entries(): Promise<[string, T][]> {
    const found: [string, T][] = []
    for (const file of await this.#files()) {
      const entry = await readState(join(this.#directory, file), this.#kind, this.#onDamage)
      if (entry !== undefined && fileOf(entry.key) === file) found.push([entry.key, entry.value])
    }
    return found.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /**
   * Whether there is a file for `key`, whole or damaged: for records that must count even when they
   * cannot be read.
   */
  async mentions(key: string): Promise<boolean> {
    const file = fileOf(key)
    return (await this.#all()).some(name => name === file || name.startsWith(`${file}.bad-`))
  }

  /** Every key that {@link Collection.mentions} knows, of those that are file names as they are. */
  async mentioned(): Promise<string[]> {
    const keys = (await this.#all()).map(name => /^([^_].*?)\.json(?:\.bad-.*)?$/.exec(name)?.[1])
    return [...new Set(keys.filter(key => key !== undefined))]
  }

  async #files(): Promise<string[]> {
    return (await this.#all()).filter(name => name.endsWith('.json'))
  }

  async #all(): Promise<string[]> {
    try {
      return await readdir(this.#directory)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw new HomeError(`cannot read ${this.#directory} (${codeOf(error)})`, { cause: error })
    }
  }

  #path(key: string): string {
    return join(this.#directory, fileOf(key))
  }
}

/** Other keys are hashed, since they may hold `/`, be too long, or differ only in case. */
function fileOf(key: string): string {
  const plain = PLAIN.test(key)
  return plain ? `${key}.json` : `_${createHash('sha256').update(key).digest('hex')}.json`
}
