import { stockLibp2p } from './libp2p.ts'
import { plain, secure } from './sockets.ts'
import type { Stack } from './stack.ts'
import { warrenSwarm } from './warren.ts'

/** Contestants by the name that the tables show. */
export const STACKS: Readonly<Record<string, () => Stack>> = {
  'js-libp2p (Noise, yamux)': stockLibp2p,
  'warren (Noise, yamux)': () => warrenSwarm('own'),
  'warren (stock Noise, stock yamux)': () => warrenSwarm('stock'),
  'node:tls chacha20': () => secure('TLS_CHACHA20_POLY1305_SHA256'),
  'node:tls aes-128-gcm': () => secure('TLS_AES_128_GCM_SHA256'),
  'node:net': plain
}

export const STOCK = 'js-libp2p (Noise, yamux)'
export const WARREN = 'warren (Noise, yamux)'
