import type { Control } from '../../proto/control.ts'
import { MAX_TOKENS, provenKeys } from '../auth/link-handshake.ts'
import type { TokenStanding } from '../auth/link-handshake.ts'
import { linkProof, MAC_BYTES, otherRole } from '../auth/link-proof.ts'
import type { LinkRole, LinkTranscript } from '../auth/link-proof.ts'

/** What the proofs need of their link. */
export interface TokenLink {
  readonly role: LinkRole
  readonly transcript: LinkTranscript
  send(message: Control): void
}

/**
 * Which of this side's tokens the peer of a link has proven. While one token replaces another, each
 * end proves the new one on the live link as it gets it, over the link's own nonces: so the link
 * stands on the new token by the time the old one is removed.
 */
export class TokenProofs {
  readonly #link: TokenLink
  #standing: TokenStanding

  constructor(link: TokenLink, standing: TokenStanding) {
    this.#link = link
    this.#standing = standing
  }

  /** Proof keys of this side's active tokens that the peer has proven. */
  get proven(): readonly Uint8Array[] {
    return this.#standing.proven
  }

  /** This side's active tokens are these now. The peer is told what it cannot know yet. */
  renew(active: readonly Uint8Array[]): void {
    const { active: before, offered } = this.#standing
    const proven = active.filter(key => has(this.#standing.proven, key))
    this.#standing = { active, proven, offered }
    this.#check()
    if (active.every(key => has(before, key))) return
    const { role, transcript } = this.#link
    const tokens = active.map(key => linkProof(key, role, transcript).slice())
    this.#link.send({ reproof: { tokens } })
  }

  /** The peer's active tokens are others now. What it proved before stays proven. */
  onReproof(macs: readonly Uint8Array[]): void {
    const offered = macs.filter(mac => mac.length === MAC_BYTES).slice(0, MAX_TOKENS)
    this.#standing = { ...this.#standing, offered }
    this.#check()
  }

  #check(): void {
    const { role, transcript } = this.#link
    const { active, proven, offered } = this.#standing
    const rest = active.filter(key => !proven.includes(key))
    const found = provenKeys(rest, offered, otherRole(role), transcript)
    // In the order of the active tokens: the first one is the one to go on with.
    const all = active.filter(key => proven.includes(key) || found.includes(key))
    this.#standing = { ...this.#standing, proven: all }
  }
}

function has(keys: readonly Uint8Array[], key: Uint8Array): boolean {
  return keys.some(known => Buffer.from(known).equals(key))
}
