import { describeError } from '@warren/utils'
import type { LinkStatus, WarrenNode } from '../node/node-types.ts'
import type { Output } from './output.ts'
import { shortPeer } from './peer-text.ts'

/**
 * Says on standard error when links come and go, until the function that is returned is called.
 * `names` gives a peer's name where it has one.
 */
export function narrate(
  node: WarrenNode,
  output: Output,
  names: (peer: string) => string = shortPeer
): () => void {
  const lost = new Set<string>()
  const stopLink = node.on('link', link => {
    const fields = { peer: link.peer, address: link.address }
    if (lost.delete(link.peer)) output.say(`link to ${names(link.peer)} restored`, fields)
    else if (link.direction === 'inbound') output.say(`${names(link.peer)} is linked`, fields)
  })
  const stopUnlink = node.on('unlink', (peer, error) => {
    lost.add(peer)
    const why = error === undefined ? '' : ` (${describeError(error, 200)})`
    output.say(`link to ${names(peer)} lost${why}; open connections wait for it`, { peer })
  })
  return () => {
    stopLink()
    stopUnlink()
  }
}

/** The way to a peer in words: address, security, muxer, round trip. */
export function describeLink(link: LinkStatus): string {
  const parts = [link.path, link.security, link.muxer].filter(part => part !== undefined)
  if (link.rtt !== undefined) parts.push(`${link.rtt.toFixed(link.rtt < 10 ? 1 : 0)} ms`)
  return `${link.address} (${parts.join(', ')})`
}

/** What is said when a command ends: what runs has its time to finish, and how not to wait. */
export function farewell(what: string, connections: number): string {
  if (connections === 0) return what
  const many = connections === 1 ? '1 open connection' : `${connections} open connections`
  return `${what}: ${many} may finish for 5 s (Ctrl-C again: at once)`
}
