import { randomBytes } from 'node:crypto'
import { readdir, rename, unlink } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './file-error.ts'
import { privateDirectory } from './private-directory.ts'
import { socketDirectory } from './socket-path.ts'
import type { SocketDirectory } from './socket-path.ts'

/** A lock that this process holds until {@link HeldLock.release}, or until it ends in any way. */
export interface HeldLock {
  readonly held: true
  release(): Promise<void>
}

/** The lock belongs to another process. */
export interface ForeignLock {
  readonly held: false
  /** The process that holds it, as it numbered itself. */
  readonly pid: number | undefined
}

/** How often, and how long in all, a contender that is still deciding is looked at again (ms). */
const RECHECK = 10
const PATIENCE = 1_000

/** How often an attempt is repeated that another contender disturbed. */
const ATTEMPTS = 5

const ENTRY = /^(want|held)-(\d+)-([0-9a-f]{16})\.sock$/
const LONGEST_NAME = 'want-4294967295-0123456789abcdef.sock'.length

/**
 * Takes the lock that the directory `path` stands for, if nobody holds it.
 *
 * Each contender binds a unix socket of its own in the directory. The kernel closes it with the
 * process, however that ends, so whoever does not answer a connect is dead: no stale lock can
 * remain, whatever became of the process, its number or its container. Names are random and
 * never used again, so removing a dead one can never hit a live one.
 *
 * A contender binds `want-…`, looks at the others, and renames its socket to `held-…`. Of two
 * that see each other the one with the lower name goes on; one that came earlier and could not
 * see the other is waited for until it has made up its mind.
 */
export async function acquireLock(path: string): Promise<HeldLock | ForeignLock> {
  await privateDirectory(path)
  const sockets = await socketDirectory(path, LONGEST_NAME)
  try {
    for (let attempt = 1; ; attempt++) {
      const lock = await attemptLock(path, sockets)
      if (lock !== 'again') return lock
      if (attempt === ATTEMPTS) return { held: false, pid: undefined }
    }
  } finally {
    await sockets.close()
  }
}

async function attemptLock(
  path: string,
  sockets: SocketDirectory
): Promise<HeldLock | ForeignLock | 'again'> {
  const id = `${process.pid}-${randomBytes(8).toString('hex')}.sock`
  let name = `want-${id}`
  const bound = sockets.path(name)
  if (bound === undefined) throw new Error(`the path ${path} is too long for a unix socket`)
  const server = createServer(socket => socket.destroy())
  const withdraw = async (): Promise<void> => {
    await unlink(join(path, name)).catch(() => {})
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
  try {
    await listen(server, bound)
    server.unref()
    const winner = await contend(path, sockets, name)
    if (winner !== undefined) {
      await withdraw()
      return { held: false, pid: winner.pid }
    }
    await rename(join(path, name), join(path, `held-${id}`))
    name = `held-${id}`
    // Once more: a listing that ran beside the rename of another may have shown neither name.
    const holder = (await living(path, sockets)).find(o => o.state === 'held' && o.name !== name)
    if (holder !== undefined) {
      await withdraw()
      return { held: false, pid: holder.pid }
    }
    return { held: true, release: withdraw }
  } catch (error) {
    await withdraw()
    // Another contender came between our bind and our listen, and took us for dead.
    if (codeOf(error) === 'ENOENT') return 'again'
    throw error
  }
}

interface Contender {
  readonly name: string
  readonly state: 'want' | 'held'
  readonly pid: number
}

/** The contender that has the better right, or `undefined` when this one has it. */
async function contend(
  path: string,
  sockets: SocketDirectory,
  own: string
): Promise<Contender | undefined> {
  const until = performance.now() + PATIENCE
  for (;;) {
    const others = (await living(path, sockets)).filter(other => other.name !== own)
    const better = others.find(other => other.state === 'held' || other.name < own)
    if (better !== undefined) return better
    const undecided = others[0]
    if (undecided === undefined) return undefined
    if (performance.now() > until) return undecided
    await sleep(RECHECK)
  }
}

/** The contenders whose processes live; sockets of dead ones are removed. */
async function living(path: string, sockets: SocketDirectory): Promise<Contender[]> {
  listing: for (let attempt = 0; ; attempt++) {
    const found: Contender[] = []
    for (const name of await readdir(path)) {
      const match = ENTRY.exec(name)
      const address = sockets.path(name)
      if (match === null || address === undefined) continue
      const state = await probe(address)
      // Gone since the listing: it withdrew, or it holds the lock now under its other name.
      if (state === 'absent' && attempt < ATTEMPTS) continue listing
      if (state === 'alive') {
        found.push({ name, state: match[1] === 'held' ? 'held' : 'want', pid: Number(match[2]) })
      } else {
        await unlink(join(path, name)).catch(() => {})
      }
    }
    return found
  }
}

/**
 * Whether a process has this unix socket open. A stopped process counts as alive (its kernel queue
 * answers), and so does one whose queue is full.
 */
export function probe(path: string): Promise<'alive' | 'dead' | 'absent'> {
  return new Promise(resolve => {
    const socket = createConnection({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve('alive')
    })
    socket.once('error', error => {
      const code = codeOf(error)
      if (code === 'ENOENT') resolve('absent')
      else resolve(code === 'ECONNREFUSED' || code === 'ENOTSOCK' ? 'dead' : 'alive')
    })
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      // An error of one accept (no descriptors) must not end the process that holds the lock.
      server.on('error', () => {})
      resolve()
    })
  })
}
