import { defaultLogger } from '@libp2p/logger'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { createTunnel, decodeTicket, generateTicketKey } from '@warren/tunnel'
import type { TunnelOptions } from '@warren/tunnel'
import { DEFAULTS } from '../defaults.ts'
import { NodeOptionsError } from '../errors.ts'
import { Home } from '../state/home.ts'
import { ephemeralIdentity } from '../state/identity.ts'
import { listenOnKeptPort } from '../state/kept-ports.ts'
import { STACK } from './defaults.ts'
import type { NodeOptions, WarrenNode } from './node-types.ts'
import { HomeRevocations } from './revocations.ts'
import { parseAddress } from './tickets.ts'
import { TunnelNode } from './tunnel-node.ts'

/**
 * Makes a node: identity, swarm and tunnel, listening.
 *
 * @throws ERR_NODE_OPTIONS, ERR_HOME, ERR_HOME_LOOSE, ERR_LISTEN, ERR_INVALID_TOKEN,
 * ERR_INVALID_TICKET
 */
export async function createNode(options: NodeOptions = {}): Promise<WarrenNode> {
  const warn = options.onWarning ?? (() => {})
  const home = options.home === undefined ? undefined : await Home.open(options.home, warn)
  return createNodeIn(home, options)
}

/** {@link createNode} with a state directory that is open already, or none. */
export async function createNodeIn(
  home: Home | undefined,
  options: Omit<NodeOptions, 'home'>
): Promise<WarrenNode> {
  options.signal?.throwIfAborted()
  const listen = options.listen?.map(parseAddress)
  const announce = (options.announce ?? DEFAULTS.announce).map(parseAddress)
  const peers = (options.peers ?? DEFAULTS.peers).map(parseAddress)
  const tickets = (options.tickets ?? DEFAULTS.tickets).map(text => decodeTicket(text))
  if (home === undefined && options.identity === 'kept') {
    throw new NodeOptionsError("identity: 'kept' needs home, the directory to keep it in")
  }
  const ticketKey = (await home?.ticketKey()) ?? generateTicketKey()
  const revocations = home === undefined ? undefined : new HomeRevocations(home)
  const tunnelOptions: TunnelOptions = {
    ...(options.token === undefined ? {} : { token: options.token }),
    ...(revocations === undefined ? {} : { revocations }),
    tickets,
    ticketKey,
    nodes: peers
  }
  const identity =
    home === undefined || options.identity === 'ephemeral'
      ? await ephemeralIdentity()
      : await home.identity()
  const logger = defaultLogger()
  let swarm: Swarm | undefined
  try {
    swarm = await createSwarm({ privateKey: identity.privateKey, logger, ...STACK })
    if (listen === undefined) await listenEverywhere(swarm, home, options.portName)
    else if (listen.length > 0) await swarm.listen(listen)
    options.signal?.throwIfAborted()
    const tunnel = createTunnel(swarm, tunnelOptions)
    return new TunnelNode({
      home,
      identity,
      swarm,
      tunnel,
      announce,
      tickets,
      ticketKey,
      revocations,
      log: logger.forComponent('warren:node')
    })
  } catch (error) {
    await swarm?.close()
    await identity.release()
    throw error
  }
}

/**
 * All interfaces: IPv4 on the kept port, and IPv6 on the same one where the machine has it.
 */
async function listenEverywhere(
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
