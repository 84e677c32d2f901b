import type { ConnectionEncrypter } from '@libp2p/interface'
import type { SafeEarlyMuxers } from '@warren/interface'

/** TLS settles the muxer by ALPN: one end chooses and tells the other, so they cannot differ. */
const TLS = '/tls/1.0.0'

/**
 * Whether an encrypter may settle the muxer during its handshake.
 *
 * In stock Noise each end chooses by itself from both lists: js-libp2p takes the first match of the
 * *remote's* list, the specification and go-libp2p that of the *initiator's*. With several muxers
 * on both ends they may choose differently, and every stream then fails. With a single one on this
 * end there is only one choice.
 */
export function mayChooseMuxerEarly(
  encrypter: Pick<ConnectionEncrypter, 'protocol'> & Partial<SafeEarlyMuxers>,
  muxers: number,
  earlyMuxers: boolean
): boolean {
  if (muxers === 0) return false
  if (earlyMuxers || muxers === 1) return true
  return encrypter.protocol === TLS || encrypter.safeEarlyMuxers === true
}
