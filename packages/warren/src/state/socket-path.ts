import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** `sun_path` has 108 bytes on Linux with its terminating zero; Node cuts longer paths silently. */
export const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103

/** A directory under a name short enough for the sockets in it. */
export interface SocketDirectory {
  /** The path by which to bind or reach the socket `name`; `undefined` when it is too long. */
  path(name: string): string | undefined
  /** Lets go of what was opened to shorten the name. Sockets already bound are not affected. */
  close(): Promise<void>
}

/**
 * Opens `directory` for sockets. Where its path is too long, Linux reaches it through a descriptor
 * (`/proc/self/fd/…`); elsewhere there is no way.
 */
export async function socketDirectory(
  directory: string,
  longest: number
): Promise<SocketDirectory> {
  if (Buffer.byteLength(directory) + 1 + longest <= MAX_SOCKET_PATH) {
    return { path: name => join(directory, name), close: async () => {} }
  }
  if (process.platform !== 'linux') return { path: () => undefined, close: async () => {} }
  const handle = await open(directory, 'r')
  return {
    path: name => `/proc/self/fd/${handle.fd}/${name}`,
    close: () => handle.close()
  }
}
