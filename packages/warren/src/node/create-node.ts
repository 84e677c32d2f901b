import { defaultLogger } from '@libp2p/logger'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { preSharedKey } from '@warren/upgrader'
import { createTunnel, decodeTicket, generateTicketKey } from '@warren/tunnel'
import type { TunnelOptions } from '@warren/tunnel'
import { DEFAULTS } from '../defaults.ts'
import { NodeOptionsError } from '../errors.ts'
import { RelaySeats } from '../relay/relay-seats.ts'
import { Home } from '../state/home.ts'
import { ephemeralIdentity } from '../state/identity.ts'
import { STACK } from './defaults.ts'
import { discoveryOptions, discoveryServices } from './discovery.ts'
import { listenEverywhere } from './listen-everywhere.ts'
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
  const relays = (options.relays ?? DEFAULTS.relays).map(parseAddress)
  const tickets = (options.tickets ?? DEFAULTS.tickets).map(text => decodeTicket(text))
  if (home === undefined && options.identity === 'kept') {
    throw new NodeOptionsError("identity: 'kept' needs home, the directory to keep it in")
  }
  const discovery = { dht: options.dht ?? DEFAULTS.dht, lan: options.lan ?? DEFAULTS.lan }
  if ((discovery.dht || discovery.lan) && options.token === undefined) {
    throw new NodeOptionsError(
      'dht and lan find nodes that have the same token: give it, or use tickets'
    )
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
    swarm = await createSwarm({
      privateKey: identity.privateKey,
      logger,
      ...STACK,
      // Records in the DHT name the addresses that tickets would.
      ...(discovery.dht && announce.length > 0 ? { addresses: { announce } } : {}),
      services: {
        ...STACK.services,
        ...(await discoveryServices(discovery, listen?.length !== 0))
      },
      ...(options.psk === undefined
        ? {}
        : { connectionProtector: preSharedKey({ psk: options.psk }) })
    })
    if (listen === undefined) await listenEverywhere(swarm, home, options.portName)
    else if (listen.length > 0) await swarm.listen(listen)
    options.signal?.throwIfAborted()
    const seats = new RelaySeats(swarm, relays)
    const log = logger.forComponent('warren:node')
    const tunnel = createTunnel(swarm, {
      ...tunnelOptions,
      ...discoveryOptions(discovery, swarm, error => log.error('DHT: %s', error))
    })
    const node = new TunnelNode({
      home,
      identity,
      swarm,
      tunnel,
      seats,
      announce,
      tickets,
      ticketKey,
      revocations,
      log
    })
    await seats.start()
    return node
  } catch (error) {
    await swarm?.close()
    await identity.release()
    throw error
  }
}
