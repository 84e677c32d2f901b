import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import os from 'node:os'

/** A group of our own; nobody else's mDNS is heard or disturbed. */
export const GROUP = '239.255.77.77'

/** Whether a datagram to the group comes back over loopback; the port it used. */
export async function multicastPort(): Promise<number | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.addMembership(GROUP, '127.0.0.1')
    socket.setMulticastInterface('127.0.0.1')
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(1_000) })
    socket.send('hello', port, GROUP)
    await heard
    return port
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}

/**
 * mDNS speaks on every network of the machine: until the function that is returned is called, this
 * process is shown loopback alone.
 */
export function loopbackAlone(): () => void {
  const { networkInterfaces } = os
  os.networkInterfaces = () => {
    const own = Object.entries(networkInterfaces()).map(([name, addresses]) => {
      return [name, addresses?.filter(({ internal }) => internal)] as const
    })
    return Object.fromEntries(own.filter(([, addresses]) => addresses?.length))
  }
  return () => {
    os.networkInterfaces = networkInterfaces
  }
}
