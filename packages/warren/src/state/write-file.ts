import { randomBytes } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HomeError } from '../errors.ts'
import { codeOf } from './file-error.ts'

/** How {@link writeFileSafely} puts the file in place. */
export interface WriteOptions {
  /** Leave a file that is already there as it is. Default `false`: replace it. */
  readonly exclusive?: boolean
}

/**
 * Writes a file of mode 0600 so that after a crash there is the old or the new one, whole: a
 * temporary file beside it, fsync, rename, fsync of the directory.
 *
 * @returns `false` when `exclusive` and the file was there before
 * @throws ERR_HOME
 */
export async function writeFileSafely(
  path: string,
  content: Uint8Array | string,
  options: WriteOptions = {}
): Promise<boolean> {
  const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    if (options.exclusive === true) {
      // A link fails where the name is taken, a rename would replace what another process wrote.
      await link(temporary, path)
      await unlink(temporary)
    } else {
      await rename(temporary, path)
    }
    await syncDirectory(dirname(path))
    return true
  } catch (error) {
    await unlink(temporary).catch(() => {})
    if (options.exclusive === true && codeOf(error) === 'EEXIST') return false
    throw new HomeError(
      `cannot write ${path} (${codeOf(error)}): make room, or choose another --home`,
      { cause: error }
    )
  }
}

/** Makes a rename durable. Not every file system can; those that cannot need it least. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined)
  if (directory === undefined) return
  try {
    await directory.sync()
  } catch {
    // EINVAL or EPERM: nothing that could be done.
  } finally {
    await directory.close()
  }
}
