import type { WarrenError } from '@warren/interface'
import { RefuseCode } from '../../proto/control.ts'
import type { Control, Hello, Proof, TicketRefusal } from '../../proto/control.ts'
import { InvalidTicketError, LinkProtocolError } from '../errors.ts'
import {
  LINK_VERSION,
  linkId,
  linkProof,
  NONCE_BYTES,
  otherRole,
  proofsEqual
} from './link-proof.ts'
import type { LinkRole, LinkTranscript } from './link-proof.ts'
import { LinkScope } from './link-scope.ts'
import { refusalError, ticketRefuseCode } from './refusal.ts'
import type { TicketRefusalReason } from './ticket-authority.ts'
import { encodeClaims, MAX_CLAIMS_BYTES, readClaims } from './ticket-claims.ts'
import type { TicketClaims } from './ticket-claims.ts'

/** Tickets that one hello may present. */
export const MAX_HELLO_TICKETS = 16
/** Tokens that one proof may cover: the current one and the one it replaces. */
export const MAX_TOKENS = 2

/** Bytes of what names one run of a tunnel. */
export const INSTANCE_BYTES = 16

/** A ticket of this side that the peer has issued, with its proof key. */
export interface HeldTicket {
  readonly claims: TicketClaims
  readonly key: Uint8Array
}

/** What one end brings to a handshake. */
export interface LinkCredentials {
  /** This end links to anyone. */
  readonly open: boolean
  /** Proof keys of the active tokens, at most {@link MAX_TOKENS}. */
  readonly tokenKeys: readonly Uint8Array[]
  /** Tickets for this very peer, at most {@link MAX_HELLO_TICKETS}. */
  readonly held: readonly HeldTicket[]
  /** Proof key of a ticket issued here; `undefined` when another peer issued it. */
  ticketKeyOf(claims: TicketClaims): Uint8Array | undefined
  /** Admits the peer by a ticket that it has proven, or says why not. */
  admit(claims: TicketClaims): TicketRefusalReason | undefined
}

/** What a {@link LinkHandshake} is made with. */
export interface LinkHandshakeInit {
  readonly role: LinkRole
  /** Peer ids as multihash bytes, as the secure connection has proven them. */
  readonly self: Uint8Array
  readonly peer: Uint8Array
  /** The peer's id as text, for messages. */
  readonly peerText: string
  readonly nonce: Uint8Array
  /** {@link INSTANCE_BYTES} that name this run of this side's tunnel. */
  readonly instance: Uint8Array
  readonly credentials: LinkCredentials
}

/** Where the tokens of a link stand. */
export interface TokenStanding {
  /** Proof keys of this side's active tokens. */
  readonly active: readonly Uint8Array[]
  /** Those of them that the peer has proven. */
  readonly proven: readonly Uint8Array[]
  /** The peer's latest proofs, which may be of a token that this side gets later. */
  readonly offered: readonly Uint8Array[]
}

/** A link that both ends have proven. */
export interface LinkGrant {
  readonly id: string
  readonly provenBy: 'token' | 'open' | 'tickets'
  /** How the link stands on tokens. */
  readonly tokens: TokenStanding
  readonly scope: LinkScope
  readonly transcript: LinkTranscript
  /** What names this run of the peer's tunnel; `undefined` when it does not say. */
  readonly instance: string | undefined
  /** Tickets of this side that the peer did not take, with the reason. */
  readonly refused: readonly { readonly id: string; readonly error: WarrenError }[]
}

/** What a step of the handshake leads to. */
export interface HandshakeStep {
  /** Messages to send, in order, also when `error` is set. */
  readonly send: readonly Control[]
  readonly grant?: LinkGrant
  /** The handshake has failed: send, then end the stream. */
  readonly error?: WarrenError
}

type State =
  | { readonly at: 'start' }
  | { readonly at: 'hello' }
  | { readonly at: 'proof'; readonly hello: Hello; readonly transcript: LinkTranscript }
  | { readonly at: 'welcome'; readonly transcript: LinkTranscript; readonly verdict: Verdict }
  | { readonly at: 'ended' }

/** What the peer's proof showed. */
interface Verdict {
  readonly provenBy: LinkGrant['provenBy']
  readonly tokens: TokenStanding
  readonly scope: LinkScope
  /** Tickets of the peer that are genuine but give no access. */
  readonly refusals: readonly TicketRefusal[]
  readonly refused: LinkGrant['refused']
  readonly instance: string | undefined
}

/**
 * The mutual proof on a new control stream, without I/O (spec.md, "Link proof").
 *
 * ```
 * initiator                         responder
 * hello(nonce, tickets)        →
 *                              ←    hello(nonce, tickets), proof
 * proof                        →
 *                              ←    welcome
 * ```
 * Either may send `refuse` instead. The responder's link exists once it has sent `welcome`, the
 * initiator's once it has received it. Call order: `start`, then `receive` per message, until a
 * step carries `grant` or `error`.
 */
export class LinkHandshake {
  readonly #init: LinkHandshakeInit
  #state: State = { at: 'start' }

  constructor(init: LinkHandshakeInit) {
    this.#init = init
  }

  /** What to send first: the initiator's hello; nothing for the responder. */
  start(): HandshakeStep {
    this.#state = { at: 'hello' }
    return { send: this.#init.role === 'initiator' ? [{ hello: this.#hello() }] : [] }
  }

  receive(message: Control): HandshakeStep {
    const state = this.#state
    if (message.refuse !== undefined) {
      this.#state = { at: 'ended' }
      return { send: [], error: refusalError(message.refuse.code, this.#init.peerText, 'peer') }
    }
    switch (state.at) {
      case 'hello':
        return message.hello === undefined ? this.#unexpected() : this.#onHello(message.hello)
      case 'proof':
        return message.proof === undefined
          ? this.#unexpected()
          : this.#onProof(message.proof, state.hello, state.transcript)
      case 'welcome':
        return message.welcome === undefined
          ? this.#unexpected()
          : this.#onWelcome(message.welcome.refused, state.transcript, state.verdict)
      case 'start':
      case 'ended':
        return this.#unexpected()
    }
  }

  #onHello(hello: Hello): HandshakeStep {
    const { role, self, peer, nonce } = this.#init
    if (hello.version !== LINK_VERSION) return this.#refuse(RefuseCode.VERSION)
    if (
      hello.nonce.length !== NONCE_BYTES ||
      (hello.instance.length > 0 && hello.instance.length !== INSTANCE_BYTES) ||
      hello.tickets.length > MAX_HELLO_TICKETS ||
      hello.tickets.some(ticket => ticket.length > MAX_CLAIMS_BYTES) ||
      Buffer.from(hello.nonce).equals(nonce)
    ) {
      return this.#unexpected()
    }
    const transcript: LinkTranscript =
      role === 'initiator'
        ? { initiator: self, responder: peer, initiatorNonce: nonce, responderNonce: hello.nonce }
        : { initiator: peer, responder: self, initiatorNonce: hello.nonce, responderNonce: nonce }
    this.#state = { at: 'proof', hello, transcript }
    if (role === 'initiator') return { send: [] }
    return { send: [{ hello: this.#hello() }, { proof: this.#proof(hello, transcript, []) }] }
  }

  #onProof(proof: Proof, hello: Hello, transcript: LinkTranscript): HandshakeStep {
    if (proof.tokens.length > MAX_TOKENS || proof.tickets.length > 2 * MAX_HELLO_TICKETS) {
      return this.#unexpected()
    }
    const verdict = this.#judge(proof, hello, transcript)
    if (typeof verdict === 'string') return this.#refuse(verdict)
    if (this.#init.role === 'initiator') {
      this.#state = { at: 'welcome', transcript, verdict }
      return { send: [{ proof: this.#proof(hello, transcript, verdict.refusals) }] }
    }
    this.#state = { at: 'ended' }
    return {
      send: [{ welcome: { refused: [...verdict.refusals] } }],
      grant: { id: linkId(transcript), transcript, ...verdict }
    }
  }

  #onWelcome(
    refused: TicketRefusal[],
    transcript: LinkTranscript,
    verdict: Verdict
  ): HandshakeStep {
    this.#state = { at: 'ended' }
    const all = [...verdict.refused, ...this.#takeBack(verdict.scope, refused)]
    if (verdict.scope.empty) {
      return { send: [], error: all[0]?.error ?? this.#refusal(RefuseCode.AUTHENTICATION) }
    }
    return { send: [], grant: { id: linkId(transcript), transcript, ...verdict, refused: all } }
  }

  #hello(): Hello {
    const { nonce, instance, credentials } = this.#init
    return {
      version: LINK_VERSION,
      nonce: nonce.slice(),
      open: credentials.open,
      tickets: credentials.held.map(({ claims }) => encodeClaims(claims).slice()),
      instance: instance.slice()
    }
  }

  /** Everything this side can prove; the peer picks what it can verify. */
  #proof(hello: Hello, transcript: LinkTranscript, refused: readonly TicketRefusal[]): Proof {
    const { role, credentials } = this.#init
    const refusedIds = new Set(refused.map(({ id }) => toHex(id)))
    const issued = this.#issuedHere(hello).filter(({ claims }) => !refusedIds.has(claims.id))
    return {
      tokens: credentials.tokenKeys.map(key => linkProof(key, role, transcript).slice()),
      tickets: [...credentials.held, ...issued].map(({ claims, key }) => ({
        id: fromHex(claims.id),
        mac: linkProof(key, role, transcript).slice()
      })),
      refused: [...refused]
    }
  }

  /** Tickets of the peer that name this side as their sharer, with the key they should prove. */
  #issuedHere(hello: Hello): HeldTicket[] {
    const issued: HeldTicket[] = []
    for (const bytes of hello.tickets) {
      const claims = readWhole(bytes)
      const key = claims === undefined ? undefined : this.#init.credentials.ticketKeyOf(claims)
      if (claims !== undefined && key !== undefined) issued.push({ claims, key })
    }
    return issued
  }

  #judge(proof: Proof, hello: Hello, transcript: LinkTranscript): Verdict | RefuseCode {
    const { role, credentials } = this.#init
    const peerRole = otherRole(role)
    const proves = (key: Uint8Array, mac: Uint8Array | undefined): boolean =>
      mac !== undefined && proofsEqual(linkProof(key, peerRole, transcript), mac)

    const instance = hello.instance.length === 0 ? undefined : toHex(hello.instance)
    const full = { scope: new LinkScope(true), refusals: [], refused: [], instance }
    const active = credentials.tokenKeys
    const proven = provenKeys(active, proof.tokens, peerRole, transcript)
    const tokens: TokenStanding = { active, proven, offered: proof.tokens }
    if (proven.length > 0) return { provenBy: 'token', tokens, ...full }
    if (credentials.open && hello.open) return { provenBy: 'open', tokens, ...full }
    const macs = new Map(proof.tickets.map(({ id, mac }) => [toHex(id), mac]))
    const scope = new LinkScope(false)
    for (const { claims, key } of credentials.held) {
      if (proves(key, macs.get(claims.id))) scope.hold(claims)
    }
    const refusals: TicketRefusal[] = []
    for (const { claims, key } of this.#issuedHere(hello)) {
      // Only who has proven a ticket learns what became of it.
      if (!proves(key, macs.get(claims.id))) continue
      const reason = credentials.admit(claims)
      if (reason === undefined) scope.grant(claims)
      else refusals.push({ id: fromHex(claims.id), code: ticketRefuseCode(reason) })
    }
    const refused = this.#takeBack(scope, proof.refused)
    if (scope.empty) return refusals[0]?.code ?? RefuseCode.AUTHENTICATION
    return { provenBy: 'tickets', tokens, scope, refusals, refused, instance }
  }

  /** Takes tickets of this side that the peer refused out of the scope. */
  #takeBack(scope: LinkScope, refusals: readonly TicketRefusal[]): LinkGrant['refused'] {
    const refused: { id: string; error: WarrenError }[] = []
    for (const { id, code } of refusals.slice(0, MAX_HELLO_TICKETS)) {
      const held = this.#init.credentials.held.find(({ claims }) => claims.id === toHex(id))
      if (held === undefined) continue
      scope.remove(held.claims.id)
      refused.push({ id: held.claims.id, error: this.#refusal(code, 'peer') })
    }
    return refused
  }

  #refuse(code: RefuseCode): HandshakeStep {
    this.#state = { at: 'ended' }
    return { send: [{ refuse: { code } }], error: this.#refusal(code) }
  }

  #refusal(code: RefuseCode, by: 'us' | 'peer' = 'us'): WarrenError {
    return refusalError(code, this.#init.peerText, by)
  }

  #unexpected(): HandshakeStep {
    const at = this.#state.at
    this.#state = { at: 'ended' }
    return {
      send: [],
      error: new LinkProtocolError(
        `${this.#init.peerText} broke the link protocol while its ${at} was awaited; ` +
          'it does not speak this protocol, or an incompatible version of it'
      )
    }
  }
}

/** Those of `keys` that the end in `role` has proven by any of `macs`. */
export function provenKeys(
  keys: readonly Uint8Array[],
  macs: readonly Uint8Array[],
  role: LinkRole,
  transcript: LinkTranscript
): Uint8Array[] {
  return keys.filter(key => {
    const expected = linkProof(key, role, transcript)
    return macs.some(mac => proofsEqual(expected, mac))
  })
}

function readWhole(bytes: Uint8Array): TicketClaims | undefined {
  try {
    const read = readClaims(bytes)
    return read.bytes === bytes.length ? read.claims : undefined
  } catch (error) {
    if (error instanceof InvalidTicketError) return undefined
    throw error
  }
}

function toHex(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}

function fromHex(id: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(id, 'hex'))
}
