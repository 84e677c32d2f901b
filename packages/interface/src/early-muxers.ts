/**
 * What a security protocol says of itself when the muxer may always be settled in its handshake:
 * whatever muxers the two ends have, and whoever the peer is, both come to the same one, or to none.
 *
 * The stock Noise encrypters cannot say so: each end chooses by a rule of its own. An upgrader asks
 * an encrypter without this mark to leave the muxer alone, unless only one is configured.
 */
export interface SafeEarlyMuxers {
  readonly safeEarlyMuxers: true
}
