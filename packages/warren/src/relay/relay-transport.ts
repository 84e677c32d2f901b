import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Transport } from '@libp2p/interface'
import { describeError } from '@warren/utils'
import { RelayUnreachableError } from '../errors.ts'
import { peerOf } from '../node/addresses.ts'

type Components = Parameters<ReturnType<typeof circuitRelayTransport>>[0]
type ConnectionManager = Components['connectionManager']

/** Dials through relays and listens at them: libp2p's circuit-relay-v2, with the dial of the relay made patient. */
export function relayTransport(): (components: Components) => Transport {
  return components => circuitRelayTransport()(withDialsOfRelays(components))
}

/**
 * The transport dials the relay itself. Two things differ for it: the relay's addresses are not left
 * out for a back-off, since whoever dials through it has a back-off of its own; and a failure has
 * a name other than `DialError`, after which the transport would never ask that relay again.
 */
function withDialsOfRelays(components: Components): Components {
  const { connectionManager: manager } = components
  const openConnection: ConnectionManager['openConnection'] = async (target, options) => {
    const relay = relayOf(target)
    const open = manager
      .getConnections()
      .find(each => each.direct && each.status === 'open' && String(each.remotePeer) === relay)
    if (open !== undefined) return open
    try {
      return await manager.openConnection(target, { ...options, force: true })
    } catch (cause) {
      options?.signal?.throwIfAborted()
      throw new RelayUnreachableError(
        `cannot reach the relay ${relay ?? 'at that address'}: ${describeError(cause)}`,
        { cause }
      )
    }
  }
  return overlay(components, {
    connectionManager: overlay<ConnectionManager>(manager, { openConnection })
  })
}

function relayOf(target: Parameters<ConnectionManager['openConnection']>[0]): string | undefined {
  if (Array.isArray(target)) return target[0] && peerOf(target[0])
  return 'getComponents' in target ? peerOf(target) : target.toString()
}

/** `base` with some of its members replaced; the others keep `base` as their `this`. */
function overlay<T extends object>(base: T, members: Partial<T>): T {
  return new Proxy(base, {
    get: (target, name) => {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
