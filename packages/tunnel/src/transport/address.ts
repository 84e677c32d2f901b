import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr, ProtocolCodec } from '@multiformats/multiaddr'
import { CODE_P2P, multiaddr, registry, V } from '@multiformats/multiaddr'
import { checkChannelName } from '../channels/channel-name.ts'
import { TunnelAddressError } from '../errors.ts'

/** Codes in the bytes of a multiaddr, of the range for private use: `/warren/<channel>` … */
export const CODE_WARREN = 0x30_77_72
/** … and `/warren-peer/<peer id>` before it. Not `/p2p`: that is whom the connection has to prove. */
export const CODE_WARREN_PEER = 0x30_77_70

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const TEXT = {
  size: V,
  stringToValue: decodeURIComponent,
  valueToString: encodeURIComponent,
  valueToBytes: (text: string) => encoder.encode(text),
  bytesToValue: (bytes: Uint8Array) => decoder.decode(bytes)
}

const PROTOCOLS: readonly ProtocolCodec[] = [
  { ...TEXT, code: CODE_WARREN, name: 'warren', validate: channel => checkChannelName(channel) },
  {
    ...TEXT,
    code: CODE_WARREN_PEER,
    name: 'warren-peer',
    validate: peer => void peerIdFromString(peer)
  }
]

/** Makes multiaddr know the addresses; once in a process, however many copies of this package it has. */
export function registerAddress(): void {
  for (const protocol of PROTOCOLS) {
    try {
      registry.getProtocol(protocol.code)
    } catch {
      registry.addProtocol(protocol)
    }
  }
}

/** Where a tunnel transport reaches a channel. */
export interface TunnelEndpoint {
  readonly channel: string
  /** The peer whose tunnel listens on it; without, any. */
  readonly carrier: string | undefined
}

/**
 * The address of a channel for {@link tunnelTransport}: `/warren/<channel>`, at any peer of the tunnel
 * that listens on it, or `/warren-peer/<carrier>/warren/<channel>` at that one. `multiaddr()` can read
 * its text once a tunnel transport, or an address, has been made in the process.
 *
 * @throws {InvalidChannelError} when the channel is no channel name
 */
export function tunnelAddress(channel: string, carrier?: PeerId | string): Multiaddr {
  checkChannelName(channel)
  registerAddress()
  const at = carrier === undefined ? '' : `/warren-peer/${carrier.toString()}`
  return multiaddr(`${at}/warren/${encodeURIComponent(channel)}`)
}

/** What the address means; `undefined` when it is none of a tunnel. `/p2p` at its end is not read. */
export function readEndpoint(address: Multiaddr): TunnelEndpoint | undefined {
  const components = address.getComponents()
  const at = components.findIndex(({ code }) => code === CODE_WARREN)
  const channel = components[at]?.value
  if (channel === undefined || at > 1 || components.length > at + 2) return undefined
  const [before, behind] = [components[at - 1], components[at + 1]]
  if (before !== undefined && before.code !== CODE_WARREN_PEER) return undefined
  if (behind !== undefined && behind.code !== CODE_P2P) return undefined
  return { channel, carrier: before?.value }
}

/** @throws {TunnelAddressError} when the address is none of a tunnel */
export function endpointOf(address: Multiaddr): TunnelEndpoint {
  const endpoint = readEndpoint(address)
  if (endpoint !== undefined) return endpoint
  throw new TunnelAddressError(
    `${address.toString()} is no address of a tunnel: use tunnelAddress(channel), /warren/<channel>`
  )
}
