import type { Link } from '@warren/netstack'
import { ip } from './ip-command.ts'
import type { TunOptions } from './options.ts'
import { checkedOptions } from './options.ts'
import { openTunDevice } from './tun-device.ts'
import { TunLink } from './tun-link.ts'

/** A TUN interface: the link to put a stack on, and its name for routes and rules. */
export interface Tun {
  /** Name of the interface, as `ip link` shows it. */
  readonly name: string
  /** What a stack sends into arrives at the kernel, and the other way round. */
  readonly link: Link
  /**
   * Sends the packets for a network to us.
   *
   * @param destination - a prefix like `10.9.0.0/16`, or `default`
   * @throws TunInterfaceError when the kernel refuses
   */
  addRoute(destination: string, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Closes the link; an interface that we made goes with it. Idempotent. */
  close(): void
}

/**
 * Makes a TUN interface, gives the kernel's side its addresses and sets it up. Needs
 * `CAP_NET_ADMIN` in the network namespace it runs in (root, or `unshare -Urn`).
 *
 * @throws TunOptionError when an option is out of range
 * @throws TunUnavailableError when this machine has no TUN interface for us
 * @throws TunInterfaceError when the interface could not be set up
 */
export async function openTun(
  options: TunOptions & { readonly signal?: AbortSignal } = {}
): Promise<Tun> {
  const { signal, ...rest } = options
  signal?.throwIfAborted()
  const { name, mtu, addresses, offload, queueLength, device, reader } = checkedOptions(rest)
  const opened = openTunDevice(name, device, offload)
  const link = new TunLink(opened, mtu, offload, reader)
  try {
    const dev = ['dev', opened.name]
    await ip(['link', 'set', ...dev, 'mtu', `${mtu}`, 'txqueuelen', `${queueLength}`], signal)
    for (const address of addresses) {
      // Nobody else can have the address on this interface: no time lost on detecting duplicates.
      const now = address.includes(':') ? ['nodad'] : []
      await ip(['address', 'replace', address, ...dev, ...now], signal)
    }
    await ip(['link', 'set', ...dev, 'up'], signal)
  } catch (error) {
    link.close()
    throw error
  }
  return {
    name: opened.name,
    link,
    addRoute: async (destination, { signal } = {}) => {
      signal?.throwIfAborted()
      await ip(['route', 'replace', destination, 'dev', opened.name], signal)
    },
    close: () => link.close()
  }
}
