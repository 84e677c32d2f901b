import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { AddressInUseError, UnixPathError } from './errors.ts'

/** How long a socket file's owner may take to accept before it counts as alive. */
const PROBE_TIMEOUT = 1_000

/**
 * Listens on a unix socket with exactly `mode`. A socket file that a dead process left behind is
 * removed; one whose owner still answers is not, and nothing that is not a socket ever is.
 *
 * @throws AddressInUseError, UnixPathError, or the system's error
 */
export async function listenUnix(
  server: Server,
  path: string,
  options: { readonly mode: number; readonly backlog: number }
): Promise<void> {
  try {
    await bind(server, path, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    await removeStale(path)
    await bind(server, path, options)
  }
}

function bind(
  server: Server,
  path: string,
  { mode, backlog }: { readonly mode: number; readonly backlog: number }
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(error)
    server.once('error', onError)
    // Binding is synchronous and makes the file: under a mask, no other user gets in before the
    // chmod. The mask only ever gets stricter; workers cannot change it.
    const mask = isMainThread ? process.umask() : undefined
    if (mask !== undefined) process.umask(mask | (0o777 & ~mode))
    try {
      server.listen({ path, backlog }, () => {
        server.off('error', onError)
        try {
          chmodSync(path, mode)
          resolve()
        } catch (error) {
          server.close()
          reject(error as Error)
        }
      })
    } finally {
      if (mask !== undefined) process.umask(mask)
    }
  })
}

async function removeStale(path: string): Promise<void> {
  const before = statSocket(path)
  if (before === undefined) return
  if (await isAlive(path)) {
    throw new AddressInUseError(
      `${path} is in use: another process listens on it; stop it or choose another path`
    )
  }
  const now = statSocket(path)
  // Somebody else has put a new one there meanwhile: it is not ours to remove.
  if (now === undefined || now.ino !== before.ino || now.dev !== before.dev) return
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function statSocket(path: string): { ino: bigint; dev: bigint } | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true })
  if (stat !== undefined && !stat.isSocket()) {
    throw new UnixPathError(
      `${path} exists and is not a socket, so it is left alone: remove it or choose another path`
    )
  }
  return stat
}

/** Only a refused connection proves that nobody listens any more. */
function isAlive(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path })
    const done = (alive: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(alive)
    }
    const timer = setTimeout(() => done(true), PROBE_TIMEOUT)
    socket.once('connect', () => done(true))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    )
  })
}
