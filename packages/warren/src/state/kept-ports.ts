import type { Home } from './home.ts'

/** More ports are not kept for one purpose; the oldest goes. */
const MAX_PORTS = 8

/**
 * Listens on the port kept for `purpose`, so that it is the same after a restart.
 *
 * Two processes may serve the same purpose at once: the second one finds the first port taken and
 * goes on to the next that was kept, or to a new one.
 *
 * @param listen listens on the port (0: any) and gives the one it got
 * @param taken whether an error of `listen` means that the port is in use
 */
export async function listenOnKeptPort(
  home: Home | undefined,
  purpose: string,
  listen: (port: number) => Promise<number>,
  taken: (error: unknown) => boolean
): Promise<number> {
  const kept = (await home?.ports.get(purpose))?.ports ?? []
  for (const port of kept) {
    try {
      return await listen(port)
    } catch (error) {
      if (!taken(error)) throw error
    }
  }
  const port = await listen(0)
  await home?.ports.put(purpose, { ports: [...kept, port].slice(-MAX_PORTS) })
  return port
}
