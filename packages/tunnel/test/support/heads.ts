import { encodeHead } from '../../src/session/heads.ts'

/** The first bytes of a session stream: opens `channel` for messages. */
export function openHead(channel: string): Uint8Array {
  return encodeHead({
    type: 'open',
    id: crypto.getRandomValues(new Uint8Array(16)),
    epoch: 0,
    mode: 'unicast',
    bytes: false,
    limit: 65_536,
    channel
  })
}
