import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HomeError, LoosePermissionsError } from '../errors.ts'
import { codeOf } from './file-error.ts'

/** Permission bits of group and others. */
const OTHERS = 0o077

/** Windows has no such bits; access control lists of the profile directory protect it there. */
const HAS_MODES = process.platform !== 'win32'

const ADVICE = 'choose another one with --home or WARREN_HOME'

/**
 * Makes sure that `path` is a directory of ours with mode 0700.
 *
 * A missing one is created. An empty one that others may enter is taken over and closed (`mkdir`
 * makes such directories); one with something in it is refused, since others may have read or
 * planted what is there.
 *
 * @throws ERR_HOME, ERR_HOME_LOOSE
 */
export async function privateDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(path)
    const found = await stat(path)
    if (!found.isDirectory()) throw new HomeError(`${path} is not a directory: ${ADVICE}`)
    if (!HAS_MODES) return
    if (found.uid !== process.getuid?.()) {
      throw new LoosePermissionsError(
        `${path} belongs to another user (uid ${found.uid}): use your own directory with --home`
      )
    }
    if ((found.mode & OTHERS) === 0) return
    if ((await readdir(path)).length > 0) {
      throw new LoosePermissionsError(
        `others may enter ${path} (mode ${octal(found.mode)}), where keys are kept: ` +
          `look whether the files in it are yours, then run: chmod 700 ${path}`
      )
    }
    await chmod(path, 0o700)
  } catch (error) {
    if (error instanceof LoosePermissionsError || error instanceof HomeError) throw error
    throw new HomeError(`cannot use ${path} as a state directory (${codeOf(error)}): ${ADVICE}`, {
      cause: error
    })
  }
}

/**
 * `mkdir -p` with mode 0700. Not Node's `recursive`: that goes round for ever where a directory is
 * there and what it is asked to make in it is answered with ENOENT, as in `/proc`.
 */
async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    // `/` itself is EISDIR on some systems.
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'EISDIR') return
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error
    await makeDirectory(parent)
    await mkdir(path, { mode: 0o700 }).catch((again: unknown) => {
      if (codeOf(again) !== 'EEXIST') throw again
    })
  }
}

/**
 * Checks that a file is a plain one of ours that nobody else may read.
 *
 * @returns `false` when there is no such file
 * @throws ERR_HOME_LOOSE
 */
export async function checkPrivateFile(path: string): Promise<boolean> {
  let found: Awaited<ReturnType<typeof lstat>>
  try {
    found = await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw new HomeError(`cannot read ${path} (${codeOf(error)})`, { cause: error })
  }
  if (!found.isFile()) {
    throw new LoosePermissionsError(`${path} is not a plain file: move it away and try again`)
  }
  if (!HAS_MODES) return true
  if (found.uid !== process.getuid?.()) {
    throw new LoosePermissionsError(
      `${path} belongs to another user (uid ${found.uid}): use your own directory with --home`
    )
  }
  if ((found.mode & OTHERS) !== 0) {
    throw new LoosePermissionsError(
      `others may read ${path} (mode ${octal(found.mode)}): if nobody has, ` +
        `run: chmod 600 ${path}; otherwise remove it and share anew`
    )
  }
  return true
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
