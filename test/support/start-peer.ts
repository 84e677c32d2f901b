import type * as diallers from './diallers.ts'
import type * as peer from './peer.ts'
import { Remote } from './remote.ts'

/** A peer of the real stack in a process of its own; see peer.ts for what it can be told. */
export type Peer = Remote<typeof peer>

/** Many swarms in a process of their own; see diallers.ts. */
export type Diallers = Remote<typeof diallers>

export function startPeer(): Peer {
  return Remote.start(new URL('./peer.js', import.meta.url))
}

export function startDiallers(): Diallers {
  return Remote.start(new URL('./diallers.js', import.meta.url))
}
