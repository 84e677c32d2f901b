import type {
  CreateListenerOptions,
  DialTransportOptions,
  MultiaddrConnection,
  Transport,
  Upgrader
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'

/**
 * A transport that takes loopback for the internet: the public address `/ip4/A.B.C.D/tcp/P` is
 * dialled as `/ip4/127.0.0.1/tcp/P`, and nothing else is dialled at all. Whoever connects seems to
 * come from `inboundFrom`. So services that only deal with public addresses run without a network.
 */
export function pretendInternet<C>(
  factory: (components: C) => Transport,
  inboundFrom: string
): (components: C) => Transport {
  return components => {
    const transport = factory(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    transport.dial = async (address: Multiaddr, options: DialTransportOptions) => {
      const loopback = onHost(address, '127.0.0.1')
      return dial(loopback, { ...options, upgrader: seenAt(options.upgrader, () => address) })
    }
    transport.createListener = (options: CreateListenerOptions) =>
      createListener({
        ...options,
        upgrader: seenAt(options.upgrader, ({ remoteAddr }) => onHost(remoteAddr, inboundFrom))
      })
    return transport
  }
}

/** An upgrader to which a connection's far end seems to be elsewhere. */
function seenAt(upgrader: Upgrader, place: (maConn: MultiaddrConnection) => Multiaddr): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'upgradeInbound' && name !== 'upgradeOutbound') return value.bind(target)
      return (maConn: MultiaddrConnection, ...rest: unknown[]): unknown => {
        maConn.remoteAddr = place(maConn)
        return Reflect.apply(value, target, [maConn, ...rest])
      }
    }
  })
}

/** `address` with another IPv4 host. */
export function onHost(address: Multiaddr, host: string): Multiaddr {
  const [first, ...rest] = address.getComponents()
  if (first?.name !== 'ip4') throw new Error(`no IPv4 address: ${String(address)}`)
  return multiaddr([{ ...first, value: host }, ...rest])
}
