import { describeError } from '@warren/utils'
import type { LinkStatus, WarrenNode } from '../node/node-types.ts'
import type { Output } from './output.ts'
import { shortPeer } from './peer-text.ts'

/** Says on standard error when links come and go. `names` gives a peer's name where it has one. */
export function narrate(
  node: WarrenNode,
  output: Output,
  names: (peer: string) => string = shortPeer
): void {
  const lost = new Set<string>()
  node.on('link', link => {
    const fields = { peer: link.peer, address: link.address }
    if (lost.delete(link.peer)) output.say(`link to ${names(link.peer)} restored`, fields)
    else if (link.direction === 'inbound') output.say(`${names(link.peer)} is linked`, fields)
  })
  node.on('unlink', (peer, error) => {
    lost.add(peer)
    const why = error === undefined ? '' : ` (${describeError(error, 200)})`
    output.say(`link to ${names(peer)} lost${why}; open connections wait for it`, { peer })
  })
}

/** The way to a peer in words: address, security, muxer, round trip. */
export function describeLink(link: LinkStatus): string {
  const parts = [link.path, link.security, link.muxer].filter(part => part !== undefined)
  if (link.rtt !== undefined) parts.push(`${link.rtt.toFixed(link.rtt < 10 ? 1 : 0)} ms`)
  return `${link.address} (${parts.join(', ')})`
}
