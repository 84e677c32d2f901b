import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import type { CircuitRelayService, RelayReservation } from '@libp2p/circuit-relay-v2'
import type { AbortOptions, Connection, PeerId, Stream } from '@libp2p/interface'
import { NodeOptionsError } from '../errors.ts'
import { Circuit } from './circuit.ts'

type Components = Parameters<ReturnType<typeof circuitRelayServer>>[0]
type Limit = RelayReservation['limit']

/** What one relayed connection may carry. */
export interface RelayLimits {
  /** Bytes, both directions together. */
  readonly bytes: number
  /** Seconds from its beginning. */
  readonly seconds: number
}

/** What a {@link relayServer} is told. */
export interface RelayServerInit {
  /** Reservations in all. */
  readonly maxReservations: number
  /** The limits of connections to the peer; asked at each reservation and renewal. */
  limitsOf(peer: PeerId): RelayLimits
  /** The peer has a reservation now. */
  reserved(peer: PeerId): void
}

/** A stream with protobuf messages, as far as it is used here. */
interface HopStream {
  pb(codec: unknown): { write(message: object, options?: AbortOptions): Promise<void> }
  unwrap(): Stream
}

/** A request for a reservation or a connection, as libp2p's server hands it on. */
interface Hop {
  readonly stream: HopStream
  readonly connection: Connection
}

/** A connection to the peer that is asked for, and what it is told. */
interface Stop {
  readonly connection: Connection
  readonly request: object
}

/** Methods of libp2p's server that its factory's type does not name. */
interface ServerMethods {
  handleReserve: (hop: Hop, options: AbortOptions) => Promise<void>
  handleConnect: (hop: Hop, options: AbortOptions) => Promise<void>
  stopHop: (stop: Stop, options: AbortOptions) => Promise<Stream | undefined>
}

/**
 * libp2p's circuit-relay-v2 server, with what a relay of tunnels needs besides: limits that depend on
 * who reserves, told in seconds as the specification has them (the stock server tells milliseconds);
 * back-pressure through the relay (the stock server buffers without bound what the slower end does not
 * take); and an end at the limit that loses nothing of what was let through.
 */
export function relayServer(
  init: RelayServerInit
): (components: Components) => CircuitRelayService {
  return components => {
    const { maxReservations } = init
    // Without limits of its own: those of the circuits are told and kept here.
    const reservations = { maxReservations, applyDefaultLimit: false }
    const server = circuitRelayServer({ reservations })(components)
    if (!hasMethods(server)) {
      throw new NodeOptionsError('this version of @libp2p/circuit-relay-v2 is not known here')
    }
    const set = server.reservations.set.bind(server.reservations)
    // Every reservation goes through the map of the service.
    server.reservations.set = (peer, reservation) => {
      set(peer, reservation)
      init.reserved(peer)
    }
    limitByPeer(server, peer => init.limitsOf(peer))
    return server
  }
}

function hasMethods<T extends object>(server: T): server is T & ServerMethods {
  return ['handleReserve', 'handleConnect', 'stopHop'].every(
    name => typeof Reflect.get(server, name) === 'function'
  )
}

function limitByPeer(server: ServerMethods, limitsOf: (peer: PeerId) => RelayLimits): void {
  const { handleReserve, handleConnect, stopHop } = server
  server.handleReserve = async (hop, options) => {
    const limits = limitsOf(hop.connection.remotePeer)
    await handleReserve.call(server, { ...hop, stream: telling(hop.stream, () => limits) }, options)
    // A refusal leaves the stream open, which would take a place of the connection's.
    await hop.stream.unwrap().close(options)
  }
  server.handleConnect = async (hop, options) => {
    let far: { readonly stream: Stream; readonly limits: RelayLimits } | undefined
    const call: ServerMethods = Object.create(server, {
      stopHop: {
        value: async (stop: Stop, stopOptions: AbortOptions) => {
          const limits = limitsOf(stop.connection.remotePeer)
          const request = { ...stop.request, limit: wireLimit(limits) }
          // Without an answer from the far end the dialler is told so, not that it spoke wrongly.
          const stream = await stopHop
            .call(server, { ...stop, request }, stopOptions)
            .catch(() => undefined)
          if (stream !== undefined) far = { stream, limits }
          return stream
        }
      }
    })
    const stream = telling(hop.stream, () => far?.limits)
    await handleConnect.call(call, { ...hop, stream }, options)
    const near = hop.stream.unwrap()
    if (far === undefined) await near.close(options)
    else new Circuit([near, far.stream], far.limits)
  }
}

/** The stream, whose messages that grant something tell the limits. */
function telling(stream: HopStream, limits: () => RelayLimits | undefined): HopStream {
  const pb: HopStream['pb'] = codec => {
    const messages = stream.pb(codec)
    const write = async (message: { status?: unknown }, options?: AbortOptions): Promise<void> => {
      const granted = message.status === 'OK' ? limits() : undefined
      const limit = granted && wireLimit(granted)
      await messages.write(limit === undefined ? message : { ...message, limit }, options)
    }
    return Object.create(messages, { write: { value: write } })
  }
  return Object.create(stream, { pb: { value: pb } })
}

/** https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#limit */
function wireLimit({ bytes, seconds }: RelayLimits): Limit {
  return { data: BigInt(bytes), duration: seconds }
}
