import { defaultLogger } from '@libp2p/logger'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import type { PeerId } from '@libp2p/interface'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { preSharedKey } from '@warren/upgrader'
import { deadline, describeError } from '@warren/utils'
import { CLOSE_TIMEOUT, MEMBER_LIMITS, STRANGER_LIMITS } from '../defaults.ts'
import { NodeClosedError, NodeOptionsError } from '../errors.ts'
import { bestFirst, withPeer } from '../node/addresses.ts'
import { STACK } from '../node/defaults.ts'
import { listenEverywhere } from '../node/listen-everywhere.ts'
import { parseAddress } from '../node/tickets.ts'
import { Home } from '../state/home.ts'
import { ephemeralIdentity } from '../state/identity.ts'
import type { Identity } from '../state/identity.ts'
import { Members } from './members.ts'
import { relayServer } from './relay-server.ts'
import type { RelayLimits } from './relay-server.ts'
import type { Relay, RelayOptions, RelayReport } from './relay-types.ts'

/** Seats of members, and those of strangers besides. */
const MAX_MEMBERS = 1_024
const MAX_STRANGERS = 15
/** Connections of a relay: its members, and who comes to them. */
const CONNECTIONS = { maxConnections: 4_096, lowWatermark: 3_072, highWatermark: 3_584 }
/** Tag under which those who hold a seat are protected in the swarm. */
const PROTECT_TAG = 'warren-relay-seat'

/**
 * Makes a relay: libp2p's circuit-relay-v2 on a swarm of its own, listening.
 *
 * @throws ERR_NODE_OPTIONS, ERR_ALLOW_LIST, ERR_HOME, ERR_HOME_LOOSE, ERR_LISTEN, ERR_PRE_SHARED_KEY
 */
export async function createRelay(options: RelayOptions = {}): Promise<Relay> {
  const warn = options.onWarning ?? (() => {})
  const home = options.home === undefined ? undefined : await Home.open(options.home, warn)
  return createRelayIn(home, options)
}

/** {@link createRelay} with a state directory that is open already, or none. */
export async function createRelayIn(
  home: Home | undefined,
  options: Omit<RelayOptions, 'home'>
): Promise<Relay> {
  options.signal?.throwIfAborted()
  const listen = options.listen?.map(parseAddress)
  const announce = (options.announce ?? []).map(parseAddress)
  const memberLimits = checkLimits({ ...MEMBER_LIMITS, ...options.memberLimits })
  const strangerLimits = options.strangers === 'none' ? undefined : STRANGER_LIMITS
  const everyone = options.psk !== undefined
  const members = await Members.create(everyone, options.allow ?? [], options.allowFile)
  const identity = home === undefined ? await ephemeralIdentity() : await home.identity()
  let swarm: Swarm<{ relay: CircuitRelayService }> | undefined
  try {
    const denies = async (peer: PeerId): Promise<boolean> => {
      await members.refresh().catch(error => options.onWarning?.(describeError(error)))
      const seats = swarm?.services.relay.reservations
      if (members.has(peer.toString()) || seats?.has(peer) === true) return false
      const strangers = [...(seats?.keys() ?? [])].filter(each => !members.has(each.toString()))
      return strangerLimits === undefined || strangers.length >= MAX_STRANGERS
    }
    const relay = relayServer({
      maxReservations: MAX_MEMBERS + MAX_STRANGERS,
      limitsOf: peer => (members.has(peer.toString()) ? memberLimits : STRANGER_LIMITS),
      reserved: peer => swarm?.protect(peer, PROTECT_TAG)
    })
    swarm = await createSwarm<{ relay: CircuitRelayService }>({
      privateKey: identity.privateKey,
      logger: defaultLogger(),
      ...STACK,
      transports: [tcp()],
      services: { ...STACK.services, relay },
      connectionGater: { denyInboundRelayReservation: denies },
      addresses: { announce },
      options: CONNECTIONS,
      ...(options.psk === undefined
        ? {}
        : { connectionProtector: preSharedKey({ psk: options.psk }) })
    })
    if (listen === undefined) await listenEverywhere(swarm, home, 'relay')
    else await swarm.listen(listen)
    options.signal?.throwIfAborted()
    return new SwarmRelay(swarm, identity, members, { memberLimits, strangerLimits })
  } catch (error) {
    await swarm?.close()
    await identity.release()
    throw error
  }
}

/** A relay on a swarm. */
class SwarmRelay implements Relay {
  readonly peerId: string
  readonly #swarm: Swarm<{ relay: CircuitRelayService }>
  readonly #identity: Identity
  readonly #members: Members
  readonly #limits: Pick<RelayReport, 'memberLimits' | 'strangerLimits'>
  #closed: Promise<void> | undefined

  constructor(
    swarm: Swarm<{ relay: CircuitRelayService }>,
    identity: Identity,
    members: Members,
    limits: Pick<RelayReport, 'memberLimits' | 'strangerLimits'>
  ) {
    this.peerId = swarm.peerId.toString()
    this.#swarm = swarm
    this.#identity = identity
    this.#members = members
    this.#limits = limits
    swarm.addEventListener('disconnected', ({ detail }) => this.#leave(detail.remotePeer))
  }

  get identity(): 'kept' | 'ephemeral' {
    return this.#identity.kept ? 'kept' : 'ephemeral'
  }

  get identityHeldBy(): number | undefined {
    return this.#identity.heldBy
  }

  addresses(): string[] {
    const { addressManager } = this.#swarm.components
    const told = addressManager.getAnnounceAddrs()
    const addresses = told.length > 0 ? told : bestFirst(this.#swarm.listenAddrs())
    return addresses.map(address => withPeer(address, this.peerId))
  }

  status(): RelayReport {
    const seats = [...this.#swarm.services.relay.reservations.keys()].map(String)
    return {
      peer: this.peerId,
      identity: this.identity,
      addresses: this.addresses(),
      members: this.#members.size,
      ...this.#limits,
      seats: seats.map(peer => ({ peer, member: this.#members.has(peer) })),
      connections: this.#swarm.connections().length
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A seat ends with the last connection of who held it: nobody could be relayed there. */
  #leave(peer: PeerId): void {
    if (this.#swarm.connections(peer).length > 0) return
    const { reservations } = this.#swarm.services.relay
    // Else its time would later end the next reservation of the same peer.
    reservations.get(peer)?.signal.clear()
    reservations.delete(peer)
    this.#swarm.unprotect(peer, PROTECT_TAG)
  }

  async #close(): Promise<void> {
    const limit = deadline(CLOSE_TIMEOUT, () => new NodeClosedError())
    try {
      await this.#swarm.close({ signal: limit.signal }).catch(() => {})
    } finally {
      limit.clear()
      await this.#identity.release()
    }
  }
}

function checkLimits(limits: RelayLimits): RelayLimits {
  const { bytes, seconds } = limits
  if (!Number.isSafeInteger(bytes) || bytes < 1_024) {
    throw new NodeOptionsError(`memberLimits.bytes is ${bytes}: use at least 1024`)
  }
  // Beyond 24 days the timers of the platform fire at once.
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 24 * 86_400) {
    throw new NodeOptionsError(`memberLimits.seconds is ${seconds}: use 1 to ${24 * 86_400}`)
  }
  return limits
}
