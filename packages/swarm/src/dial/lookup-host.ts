import { lookup } from 'node:dns/promises'

/** An IP address of a host. */
export interface HostAddress {
  readonly family: 4 | 6
  readonly address: string
}

/** Looks up the IP addresses of a host name; `undefined` where the platform cannot. */
export type HostLookup = (host: string) => Promise<HostAddress[] | undefined>

/** The system's resolver, so that `/etc/hosts` and mDNS names count. */
export const lookupHost: HostLookup = async host => {
  const found = await lookup(host, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}
