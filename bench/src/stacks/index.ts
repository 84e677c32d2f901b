import { stockLibp2p } from './libp2p.ts'
import { warrenSession } from './session.ts'
import { plain, secure } from './sockets.ts'
import type { Stack } from './stack.ts'
import { warrenSwarm } from './warren.ts'

export const STOCK = 'js-libp2p (Noise, yamux)'
export const WARREN = 'warren (Noise, yamux)'
export const BYTE_SESSION = 'warren, byte session'
export const MESSAGE_SESSION = 'warren, message session'

/** Contestants by the name that the tables show. */
export const STACKS: Readonly<Record<string, () => Stack>> = {
  [STOCK]: stockLibp2p,
  [WARREN]: () => warrenSwarm('own'),
  'warren (stock Noise, stock yamux)': () => warrenSwarm('stock'),
  'node:tls chacha20': () => secure('TLS_CHACHA20_POLY1305_SHA256'),
  'node:tls aes-128-gcm': () => secure('TLS_AES_128_GCM_SHA256'),
  'node:net': plain
}

/** Sessions, which have a table of their own. */
export const SESSIONS: Readonly<Record<string, () => Stack>> = {
  [BYTE_SESSION]: () => warrenSession('bytes'),
  [MESSAGE_SESSION]: () => warrenSession('messages')
}

/** The stack of that name. */
export function stackOf(name: string | undefined): Stack {
  const create = STACKS[name ?? ''] ?? SESSIONS[name ?? '']
  if (create === undefined) throw new Error(`no stack ${String(name)}`)
  return create()
}
