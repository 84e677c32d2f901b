import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { MessageStream, PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { sealInbound, sealOutbound } from '@warren/noise'
import { SEAL_HINT_BYTES, sealHint, sealKey, sealPrologue } from '../auth/session-seal.ts'
import { LinkClosedError } from '../errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import type { TunnelLink } from '../links/tunnel-link.ts'
import { SessionSealError } from '../session/errors.ts'
import { encodeSealedHead } from '../session/heads.ts'
import type { OpenHead, ResumeHead } from '../session/heads.ts'
import type { InboundSeal, OutboundSeal, StreamSealer } from '../session/stream-sealer.ts'

/** What a {@link SessionSealer} needs. */
export interface SessionSealerInit {
  readonly self: PeerId
  readonly privateKey: PrivateKey
  readonly table: LinkTable
  /** Proof keys of what both ends of a link have proven: tokens, then tickets, best first. */
  secrets(link: TunnelLink, channel: string | undefined): readonly Uint8Array[]
}

/**
 * Seals sessions with Noise, once more than the connection does: with both identities, and in the
 * prologue what proved the link (spec.md, "Seals").
 */
export class SessionSealer implements StreamSealer {
  readonly #init: SessionSealerInit

  constructor(init: SessionSealerInit) {
    this.#init = init
  }

  /**
   * @throws {LinkClosedError} when the link has ended; {SessionSealError} when its ends share nothing
   * for the channel any more
   */
  async outbound(seal: OutboundSeal): Promise<MessageStream> {
    const { stream, peer, linkId, channel, head, signal } = seal
    const link = this.#init.table.byId(linkId)
    if (link === undefined) throw new LinkClosedError(`the link to ${peer} has ended`)
    const [secret] = this.#init.secrets(link, channel)
    if (secret === undefined) {
      throw new SessionSealError(`the link to ${peer} proves nothing that could seal a session`)
    }
    const key = sealKey(secret, channelOf(head))
    const clear = encodeSealedHead(sealHint(key, head.id, head.epoch), head)
    stream.send(clear)
    const remotePeer = peerIdFromString(peer)
    const prologue = sealPrologue({
      key,
      dialler: this.#init.self.toMultihash().bytes,
      acceptor: remotePeer.toMultihash().bytes,
      head: clear
    })
    const { privateKey } = this.#init
    return (await sealOutbound(stream, { privateKey, remotePeer, prologue, signal })).stream
  }

  async inbound({ stream, peer, linkId, head, rest, signal }: InboundSeal): Promise<MessageStream> {
    const remotePeer = peerIdFromString(peer)
    const prologue = sealPrologue({
      key: this.#find(linkId, head.hint, head.head),
      dialler: remotePeer.toMultihash().bytes,
      acceptor: this.#init.self.toMultihash().bytes,
      head: head.bytes
    })
    const { privateKey } = this.#init
    const sealed = await sealInbound(stream, {
      privateKey,
      remotePeer,
      prologue,
      early: rest,
      signal
    })
    return sealed.stream
  }

  /**
   * The key that the hint means. Where there is none, one that nobody has: the dialler fails as with
   * any other wrong key, and learns nothing of ours.
   */
  #find(linkId: string, hint: Uint8Array, head: OpenHead | ResumeHead): Uint8Array {
    const link = this.#init.table.byId(linkId)
    const secrets = link === undefined ? [] : this.#init.secrets(link, undefined)
    const keys = secrets.map(secret => sealKey(secret, channelOf(head)))
    const found = keys.filter(key => matches(sealHint(key, head.id, head.epoch), hint))
    return found[0] ?? new Uint8Array(randomBytes(32))
  }
}

function channelOf(head: OpenHead | ResumeHead): string {
  return head.type === 'open' ? head.channel : ''
}

function matches(a: Uint8Array, b: Uint8Array): boolean {
  return b.length === SEAL_HINT_BYTES && timingSafeEqual(a, b)
}
