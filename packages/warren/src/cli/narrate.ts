import { describeError } from '@warren/utils'
import type { LinkStatus, WarrenNode } from '../node/node-types.ts'
import { describeFailure } from './describe-failure.ts'
import { describeDuration } from './duration.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import type { Output } from './output.ts'
import { shortPeer } from './peer-text.ts'
import { describeSize } from './size.ts'

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
    const others = node.status().links.filter(each => each.peer === link.peer)
    if (link.path === 'direct' && others.some(each => each.path === 'relayed')) {
      output.say(`link to ${names(link.peer)} is direct now: ${describeLink(link)}`, fields)
    } else if (lost.delete(link.peer)) output.say(`link to ${names(link.peer)} restored`, fields)
    else if (link.direction === 'inbound') output.say(`${names(link.peer)} is linked`, fields)
  })
  const stopRelay = node.on('relay', ({ address, state, error }) => {
    const why = error === undefined ? '' : `: ${describeFailure(error)}`
    if (state === 'reserved') output.say(`reachable through the relay ${address}`, { address })
    else output.warn(`not reachable through the relay ${address} now${why}; trying on`)
  })
  const stopUnlink = node.on('unlink', (peer, error) => {
    // Another one has taken its place, such as a direct one that of a relayed one.
    if (node.status().links.some(link => link.peer === peer)) return
    lost.add(peer)
    const why = error === undefined ? '' : ` (${describeError(error, 200)})`
    // Without its right (a ticket that was revoked, for one) a peer's connections have ended.
    const over = exitCodeOf(error) === EXIT.denied
    const what = over ? `ended${why}` : `lost${why}; open connections wait for it`
    output.say(`link to ${names(peer)} ${what}`, { peer })
  })
  return () => {
    stopLink()
    stopRelay()
    stopUnlink()
  }
}

/** The way to a peer in words: address, security, muxer, round trip. */
export function describeLink(link: LinkStatus): string {
  const parts = [link.path, link.security, link.muxer].filter(part => part !== undefined)
  if (link.limits !== undefined) parts.splice(1, 0, describeLimits(link.limits))
  if (link.rtt !== undefined) parts.push(`${link.rtt.toFixed(link.rtt < 10 ? 1 : 0)} ms`)
  return `${link.address} (${parts.join(', ')})`
}

/** What a relayed connection may carry: `16 GiB, 24 h`. */
export function describeLimits(limits: {
  readonly bytes?: number | undefined
  readonly seconds?: number | undefined
}): string {
  const parts: string[] = []
  if (limits.bytes !== undefined) parts.push(describeSize(limits.bytes))
  if (limits.seconds !== undefined) parts.push(describeDuration(limits.seconds * 1_000))
  return parts.length === 0 ? 'no limits' : `limit ${parts.join(', ')}`
}

/** What is said when a command ends: what runs has its time to finish, and how not to wait. */
export function farewell(what: string, connections: number): string {
  if (connections === 0) return what
  const many = connections === 1 ? '1 open connection' : `${connections} open connections`
  return `${what}: ${many} may finish for 5 s (Ctrl-C again: at once)`
}
