import type { DNS } from '@multiformats/dns'
import { RecordType } from '@multiformats/dns'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, printable, waitFor } from '@warren/utils'
import { DialTimeoutError } from '../errors.ts'
import type { HostLookup } from './lookup-host.ts'

/** What {@link resolveAddress} asks, and how far it goes. */
export interface ResolveOptions {
  /** For `/dnsaddr` TXT records; made on first use, since most dials need none. */
  readonly dns: () => DNS
  readonly lookup: HostLookup
  /** Milliseconds for one address, all its steps together. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** A `/dnsaddr` may name others, this deep. */
const MAX_DEPTH = 4
/** Addresses that one name may stand for; what is beyond is not dialled. */
const MAX_RESULTS = 32
/** Behind these the transport needs the name itself (SNI, Host header). */
const KEEPS_NAME = new Set(['ws', 'wss', 'tls', 'http', 'https', 'sni', 'webtransport', 'webrtc'])

/**
 * The addresses to dial for one address: itself, or for `/dns`, `/dns4`, `/dns6` each IP address of
 * the host, and for `/dnsaddr` what its TXT records list, so that each has its own turn.
 */
export async function resolveAddress(
  address: Multiaddr,
  options: ResolveOptions
): Promise<Multiaddr[]> {
  if (!needsResolving(address)) return [address]
  const limit = deadline(
    options.timeout,
    () => new DialTimeoutError(`the name was not resolved within ${options.timeout} ms`),
    options.signal
  )
  try {
    return (await resolveDeep(address, options, limit.signal, 0)).slice(0, MAX_RESULTS)
  } finally {
    limit.clear()
  }
}

/** Whether `address` holds a name that is looked up here. */
export function needsResolving(address: Multiaddr): boolean {
  const names = address.getComponents().map(component => component.name)
  if (names[0] === 'dnsaddr') return true
  if (names[0] !== 'dns' && names[0] !== 'dns4' && names[0] !== 'dns6') return false
  return !names.some(name => KEEPS_NAME.has(name))
}

async function resolveDeep(
  address: Multiaddr,
  options: ResolveOptions,
  signal: AbortSignal,
  depth: number
): Promise<Multiaddr[]> {
  if (!needsResolving(address)) return [address]
  const first = address.getComponents()[0]
  const host = first?.value ?? ''
  if (first?.name !== 'dnsaddr')
    return resolveHost(address, first?.name ?? 'dns', host, options, signal)
  if (depth >= MAX_DEPTH) return []
  const named = await resolveDnsaddr(address, host, options.dns(), signal)
  const deeper = named
    .slice(0, MAX_RESULTS)
    .map(async next => resolveDeep(next, options, signal, depth + 1))
  const results = await Promise.allSettled(deeper)
  // One dead name among several is no reason to dial none of them.
  return results.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
}

async function resolveHost(
  address: Multiaddr,
  kind: string,
  host: string,
  options: ResolveOptions,
  signal: AbortSignal
): Promise<Multiaddr[]> {
  const found = await waitFor(options.lookup(host), signal)
  if (found === undefined) return [address]
  const rest = address
    .getComponents()
    .slice(1)
    .map(({ name, value }) => (value === undefined ? `/${name}` : `/${name}/${value}`))
    .join('')
  const wanted = found.filter(({ family }) => kind === 'dns' || kind === `dns${family}`)
  const resolved = wanted.map(({ family, address: ip }) => multiaddr(`/ip${family}/${ip}${rest}`))
  if (resolved.length === 0) {
    const families = kind === 'dns6' ? 'IPv6' : kind === 'dns4' ? 'IPv4' : 'IP'
    throw new Error(`${printable(host)} has no ${families} address`)
  }
  return resolved
}

async function resolveDnsaddr(
  address: Multiaddr,
  host: string,
  dns: DNS,
  signal: AbortSignal
): Promise<Multiaddr[]> {
  const query = dns.query(`_dnsaddr.${host}`, { signal, types: [RecordType.TXT] })
  const response = await waitFor(query, signal)
  const peer = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
  const found: Multiaddr[] = []
  for (const { data } of response.Answer) {
    const text = data.replaceAll(/["']/g, '').trim()
    if (!text.startsWith('dnsaddr=')) continue
    const next = parse(text.slice('dnsaddr='.length))
    if (next === undefined) continue
    const named = next.getComponents().findLast(({ name }) => name === 'p2p')?.value
    if (peer === undefined || named === undefined || named === peer) found.push(next)
  }
  return found
}

/** A record that is no address is skipped: others may be. */
function parse(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}
