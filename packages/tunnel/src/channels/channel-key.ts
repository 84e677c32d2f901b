import { createHmac, hkdfSync } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { create as multihash } from 'multiformats/hashes/digest'
import { sha256 } from 'multiformats/hashes/sha2'

const LABEL = 'warren/tunnel/directory/1'
const KEY_BYTES = 32

/**
 * The secrets that names of channels are hidden with in directories that others can read: one of
 * each active token, or, for an open tunnel, one that anybody can derive (spec.md, "Directories").
 */
export function directoryKeys(tokens: readonly Uint8Array[], open: boolean): Uint8Array[] {
  const secrets = open ? [new Uint8Array(0)] : tokens
  return secrets.map(
    secret => new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), LABEL, KEY_BYTES))
  )
}

/** What a channel is called in a DHT: HMAC-SHA256 of its name under `key`, as the CID of a raw block. */
export function channelCid(key: Uint8Array, channel: string): CID {
  const name = createHmac('sha256', key).update(channel, 'utf8').digest()
  return CID.createV1(raw.code, multihash(sha256.code, new Uint8Array(name)))
}
