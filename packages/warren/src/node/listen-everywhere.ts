import type { Swarm } from '@warren/swarm'
import { DEFAULTS } from '../defaults.ts'
import type { Home } from '../state/home.ts'
import { listenOnKeptPort } from '../state/kept-ports.ts'
import { parseAddress } from './tickets.ts'

/**
 * All interfaces: IPv4 on the kept port, and IPv6 on the same one where the machine has it.
 */
export async function listenEverywhere(
  swarm: Swarm,
  home: Home | undefined,
  name: string = DEFAULTS.portName
): Promise<void> {
  const listen = async (port: number): Promise<number> => {
    await swarm.listen(parseAddress(`/ip4/0.0.0.0/tcp/${port}`))
    const [first] = swarm.listenAddrs()
    return Number(/\/tcp\/(\d+)/.exec(String(first))?.[1] ?? port)
  }
  const port = await listenOnKeptPort(home, name, listen, inUse)
  try {
    await swarm.listen(parseAddress(`/ip6/::/tcp/${port}`))
  } catch {
    // No IPv6 here, or the port is taken there: IPv4 is enough.
  }
}

/** Whether an error, or what caused it, is that an address is in use. */
export function inUse(error: unknown): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if ('code' in current && current.code === 'EADDRINUSE') return true
    current = current.cause
  }
  return false
}
