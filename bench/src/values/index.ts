import { nats } from './nats.ts'
import { netchan, ORDER } from './netchan.ts'
import { socketIo } from './socket-io.ts'
import type { ValuePeer } from './value-peer.ts'
import { wsJson } from './ws-json.ts'

export const NETCHAN = 'netchan'
export const SOCKET_IO = 'socket.io'
export const NATS = 'nats.js with nats-server'

/** Who carries values, by name. */
export const VALUE_PEERS: Readonly<Record<string, ValuePeer>> = {
  [NETCHAN]: netchan(undefined),
  'netchan, checked by a schema at both ends': netchan(ORDER),
  [SOCKET_IO]: socketIo,
  'ws + JSON': wsJson,
  [NATS]: nats
}

/** @throws when there is none of the name */
export function valuePeer(name: string | undefined): ValuePeer {
  const peer = VALUE_PEERS[name ?? '']
  if (peer === undefined) throw new Error(`no library ${String(name)}`)
  return peer
}
