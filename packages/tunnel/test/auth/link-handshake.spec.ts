import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Control, RefuseCode } from '../../proto/control.ts'
import { LinkHandshake } from '../../src/auth/link-handshake.ts'
import type { HandshakeStep, LinkCredentials } from '../../src/auth/link-handshake.ts'
import { ticketProofKey, tokenProofKey } from '../../src/auth/link-proof.ts'
import { generateTicketKey, issueTicket } from '../../src/auth/ticket.ts'
import type { Ticket, TicketRequest } from '../../src/auth/ticket.ts'
import { TicketAuthority } from '../../src/auth/ticket-authority.ts'

const NOW = 1_800_000_000
let peers: [PeerId, PeerId, PeerId]

before(async () => {
  const peer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  peers = [await peer(), await peer(), await peer()]
})

const tokenA = new Uint8Array(randomBytes(32))
const tokenB = new Uint8Array(randomBytes(32))
const tokenC = new Uint8Array(randomBytes(32))

const unsaved = (error: unknown): void => assert.fail(String(error))

/** One end: what it holds, as the tunnel would give it. */
interface EndInit {
  tokens?: Uint8Array[]
  open?: boolean
  tickets?: Ticket[]
  authority?: TicketAuthority
}

function credentials(end: EndInit, peer: PeerId): LinkCredentials {
  return {
    open: end.open ?? false,
    tokenKeys: (end.tokens ?? []).map(tokenProofKey),
    held: (end.tickets ?? []).map(claims => ({ claims, key: ticketProofKey(claims.secret) })),
    ticketKeyOf: claims => end.authority?.proofKeyOf(claims),
    admit: claims => end.authority?.admit(claims, peer.toString(), () => {})
  }
}

/** Runs a handshake over the wire format; `tamper` sees each message on its way. */
function run(
  initiator: EndInit,
  responder: EndInit,
  tamper: (message: Control, from: 'initiator' | 'responder') => Control = message => message
): { initiator: HandshakeStep; responder: HandshakeStep; wire: Uint8Array[] } {
  const [a, b] = peers
  const make = (role: 'initiator' | 'responder'): LinkHandshake => {
    const [self, peer] = role === 'initiator' ? [a, b] : [b, a]
    return new LinkHandshake({
      role,
      self: self.toMultihash().bytes,
      peer: peer.toMultihash().bytes,
      peerText: peer.toString(),
      nonce: new Uint8Array(randomBytes(32)),
      instance: new Uint8Array(16),
      credentials: credentials(role === 'initiator' ? initiator : responder, peer)
    })
  }
  const ends = { initiator: make('initiator'), responder: make('responder') }
  const last: Record<'initiator' | 'responder', HandshakeStep> = {
    initiator: ends.initiator.start(),
    responder: ends.responder.start()
  }
  const wire: Uint8Array[] = []
  const queue = last.initiator.send.map(message => ({ from: 'initiator' as const, message })) as {
    from: 'initiator' | 'responder'
    message: Control
  }[]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { from } = next
    const to = from === 'initiator' ? 'responder' : 'initiator'
    if (last[to].error !== undefined) continue
    const bytes = Control.encode(tamper(next.message, from))
    wire.push(bytes)
    const step = ends[to].receive(Control.decode(bytes))
    last[to] = step
    for (const message of step.send) queue.push({ from: to, message })
  }
  return { ...last, wire }
}

function code(step: HandshakeStep): string | undefined {
  return step.error?.code
}

function authority(init: Partial<{ now: () => number; clockSkew: number }> = {}) {
  const ticketKey = generateTicketKey()
  const made = new TicketAuthority({
    ticketKey,
    self: peers[1],
    clockSkew: 0,
    now: () => NOW,
    ...init
  })
  const issue = (change: Partial<TicketRequest> = {}): Ticket =>
    issueTicket(ticketKey, {
      sharer: peers[1],
      channel: 'web',
      expires: NOW + 60,
      addrs: [],
      ...change
    })
  return { made, issue, ticketKey }
}

describe('link handshake: tokens', () => {
  it('links two ends with the same token, with the same id, and full scope', () => {
    const { initiator, responder } = run({ tokens: [tokenA] }, { tokens: [tokenA] })
    assert.equal(initiator.grant?.provenBy, 'token')
    assert.equal(responder.grant?.provenBy, 'token')
    assert.equal(initiator.grant?.id, responder.grant?.id)
    assert.match(initiator.grant?.id ?? '', /^[0-9a-f]{16}$/)
    assert.equal(initiator.grant?.scope.full, true)
    assert.equal(responder.grant?.scope.full, true)
  })

  it('refuses a wrong token at both ends (R16)', () => {
    const { initiator, responder } = run({ tokens: [tokenA] }, { tokens: [tokenB] })
    assert.equal(code(initiator), 'ERR_AUTHENTICATION')
    assert.equal(code(responder), 'ERR_AUTHENTICATION')
    assert.equal(initiator.grant ?? responder.grant, undefined)
  })

  it('links while a token is rotated, whichever end is ahead', () => {
    for (const [a, b] of [
      [[tokenA, tokenB], [tokenB]],
      [[tokenB], [tokenA, tokenB]],
      [
        [tokenA, tokenB],
        [tokenB, tokenC]
      ]
    ] as const) {
      const { initiator, responder } = run({ tokens: [...a] }, { tokens: [...b] })
      assert.ok(initiator.grant !== undefined && responder.grant !== undefined)
    }
    const { initiator } = run({ tokens: [tokenA, tokenC] }, { tokens: [tokenB] })
    assert.equal(code(initiator), 'ERR_AUTHENTICATION')
  })

  it('never sends a token, or the key derived from it', () => {
    const { wire } = run({ tokens: [tokenA] }, { tokens: [tokenA] })
    const all = Buffer.concat(wire)
    assert.equal(all.indexOf(tokenA), -1)
    assert.equal(all.indexOf(tokenProofKey(tokenA)), -1)
    assert.equal(wire.length, 5)
  })

  it('is open only when both ends are', () => {
    assert.equal(run({ open: true }, { open: true }).responder.grant?.provenBy, 'open')
    for (const [a, b] of [
      [{ open: true }, { tokens: [tokenA] }],
      [{ tokens: [tokenA] }, { open: true }],
      [{ tokens: [tokenA] }, {}],
      [{}, {}]
    ]) {
      const { initiator, responder } = run(a ?? {}, b ?? {})
      assert.equal(code(initiator), 'ERR_AUTHENTICATION')
      assert.equal(code(responder), 'ERR_AUTHENTICATION')
    }
  })

  it('does not take its own proof back (reflection)', () => {
    let seen: Uint8Array<ArrayBuffer>[] = []
    const { responder } = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) => {
      if (message.proof === undefined) return message
      if (from === 'responder') seen = message.proof.tokens
      return { proof: { ...message.proof, tokens: seen } }
    })
    assert.equal(code(responder), 'ERR_AUTHENTICATION')
    let nonce: Uint8Array | undefined
    const reflected = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) => {
      if (from === 'initiator' && message.hello !== undefined) nonce = message.hello.nonce
      if (from === 'responder' && message.hello !== undefined && nonce !== undefined) {
        return { hello: { ...message.hello, nonce: nonce.slice() } }
      }
      return message
    })
    assert.equal(code(reflected.initiator), 'ERR_LINK_PROTOCOL')
  })

  it('binds the proof to the nonces, the peers and the roles: any changed byte of it fails', () => {
    for (let at = 0; at < 32; at++) {
      const { initiator } = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) => {
        if (from === 'initiator' || message.proof === undefined) return message
        const tokens = message.proof.tokens.map(mac => mac.map((b, i) => (i === at ? b ^ 1 : b)))
        return { proof: { ...message.proof, tokens } }
      })
      assert.equal(code(initiator), 'ERR_AUTHENTICATION')
    }
    const replayed: Control[] = []
    run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) => {
      if (from === 'responder' && message.proof !== undefined) replayed.push(message)
      return message
    })
    const { initiator } = run({ tokens: [tokenA] }, { tokens: [tokenB] }, (message, from) =>
      from === 'responder' && message.proof !== undefined ? (replayed[0] ?? message) : message
    )
    assert.equal(code(initiator), 'ERR_AUTHENTICATION')
  })

  it('names another version as such, and a message out of turn as a protocol error', () => {
    const version = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) =>
      from === 'initiator' && message.hello !== undefined
        ? { hello: { ...message.hello, version: 2 } }
        : message
    )
    assert.equal(code(version.initiator), 'ERR_LINK_VERSION')
    assert.equal(code(version.responder), 'ERR_LINK_VERSION')
    const turn = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, from) =>
      from === 'initiator' && message.hello !== undefined ? { welcome: { refused: [] } } : message
    )
    assert.equal(code(turn.responder), 'ERR_LINK_PROTOCOL')
  })
})

describe('link handshake: tickets', () => {
  it('links by a ticket, whichever end holds it, scoped to what it says', () => {
    const { made, issue } = authority()
    const { initiator, responder } = run({ tickets: [issue()] }, { authority: made })
    assert.equal(initiator.grant?.provenBy, 'tickets')
    const [holder, sharer] = [initiator.grant?.scope, responder.grant?.scope]
    assert.equal(holder?.full, false)
    assert.equal(holder?.mayDial('web'), true)
    assert.equal(holder?.mayDial('ssh'), false)
    assert.equal(holder?.mayServe('web'), false)
    assert.equal(sharer?.mayServe('web'), true)
    assert.equal(sharer?.mayServe('ssh'), false)
    assert.equal(sharer?.mayDial('web'), false)
  })

  it('links when the holder answers the stream and the sharer opened it', () => {
    const ticketKey = generateTicketKey()
    const made = new TicketAuthority({
      ticketKey,
      self: peers[0],
      clockSkew: 0,
      now: () => NOW
    })
    const ticket = issueTicket(ticketKey, {
      sharer: peers[0],
      channel: 'web',
      expires: NOW + 60,
      addrs: [],
      direction: 'listen'
    })
    const { initiator, responder } = run({ authority: made }, { tickets: [ticket] })
    assert.equal(initiator.grant?.scope.mayDial('web'), true)
    assert.equal(initiator.grant?.scope.mayServe('web'), false)
    assert.equal(responder.grant?.scope.mayServe('web'), true)
    assert.equal(responder.grant?.scope.mayDial('web'), false)
  })

  it('prefers the token: the link is full then', () => {
    const { made, issue } = authority()
    const { initiator } = run(
      { tokens: [tokenA], tickets: [issue()] },
      { tokens: [tokenA], authority: made }
    )
    assert.equal(initiator.grant?.provenBy, 'token')
    assert.equal(initiator.grant?.scope.full, true)
  })

  it('refuses a ticket with another secret, changed claims, or of another sharer alike', () => {
    const { made, issue } = authority()
    const other = authority()
    const changed: Ticket[] = [
      { ...issue(), secret: new Uint8Array(16) },
      { ...issue(), channel: 'ssh' },
      { ...issue(), expires: NOW + 600 },
      { ...issue(), direction: 'both' },
      other.issue(),
      { ...issue(), sharer: peers[2] }
    ]
    for (const ticket of changed) {
      const { initiator, responder } = run({ tickets: [ticket] }, { authority: made })
      assert.equal(code(initiator), 'ERR_AUTHENTICATION')
      assert.equal(code(responder), 'ERR_AUTHENTICATION')
    }
  })

  it('tells of expiry, revocation and used-up uses only who proved the ticket', async () => {
    const { made, issue } = authority()
    const revoked = issue()
    await made.revoke(revoked)
    const expired = issue({ expires: NOW - 1 })
    const once = issue({ uses: 1 })
    assert.equal(
      made.admit(once, 'another peer', () => {}),
      undefined
    )
    for (const [ticket, expected] of [
      [revoked, 'ERR_TICKET_REVOKED'],
      [expired, 'ERR_TICKET_EXPIRED'],
      [once, 'ERR_TICKET_USED_UP']
    ] as const) {
      const { initiator, responder } = run({ tickets: [ticket] }, { authority: made })
      assert.equal(code(initiator), expected)
      assert.equal(code(responder), expected)
      const forged = { ...ticket, secret: new Uint8Array(16) }
      assert.equal(
        code(run({ tickets: [forged] }, { authority: made }).initiator),
        'ERR_AUTHENTICATION'
      )
    }
  })

  it('links by the good one of several tickets, and says what is wrong with the others', async () => {
    const { made, issue } = authority()
    const [web, ssh, gone] = [issue(), issue({ channel: 'ssh' }), issue({ channel: 'gone' })]
    await made.revoke(gone)
    const { initiator, responder } = run({ tickets: [web, gone, ssh] }, { authority: made })
    assert.equal(initiator.grant?.scope.mayDial('web'), true)
    assert.equal(initiator.grant?.scope.mayDial('ssh'), true)
    assert.equal(initiator.grant?.scope.mayDial('gone'), false)
    assert.equal(responder.grant?.scope.mayServe('gone'), false)
    assert.deepEqual(
      initiator.grant?.refused.map(({ id, error }) => [id, error.code]),
      [[gone.id, 'ERR_TICKET_REVOKED']]
    )
  })

  it('never sends the secret of a ticket', () => {
    const { made, issue } = authority()
    const ticket = issue()
    const { wire } = run({ tickets: [ticket] }, { authority: made })
    assert.equal(Buffer.concat(wire).indexOf(ticket.secret), -1)
  })

  it('takes a refusal at any step', () => {
    for (const from of ['hello', 'proof'] as const) {
      const { initiator } = run({ tokens: [tokenA] }, { tokens: [tokenA] }, (message, end) =>
        end === 'responder' && message[from] !== undefined
          ? { refuse: { code: RefuseCode.LIMIT } }
          : message
      )
      assert.equal(code(initiator), 'ERR_LINK_LIMIT')
    }
  })
})

describe('ticket authority', () => {
  it('keeps revocations and uses through a restart, and forgets them when they have expired', async () => {
    let now = NOW
    let kept = '{"revoked":[],"uses":[]}'
    const ticketKey = generateTicketKey()
    const make = async (): Promise<TicketAuthority> => {
      const made = new TicketAuthority({
        ticketKey,
        self: peers[1],
        clockSkew: 5,
        now: () => now,
        store: {
          load: async () => JSON.parse(kept),
          save: async records => {
            kept = JSON.stringify(records)
          }
        }
      })
      await made.load()
      return made
    }
    const issue = (change: Partial<TicketRequest>): Ticket =>
      issueTicket(ticketKey, {
        sharer: peers[1],
        channel: 'c',
        expires: NOW + 60,
        addrs: [],
        ...change
      })
    const [revoked, limited] = [issue({}), issue({ uses: 2 })]
    const first = await make()
    await first.revoke(revoked)
    assert.equal(first.admit(limited, 'a', unsaved), undefined)
    assert.equal(first.admit(limited, 'a', unsaved), undefined)
    await first.revoke(issue({}))
    const second = await make()
    assert.equal(second.refusal(revoked), 'revoked')
    assert.equal(second.admit(limited, 'a', unsaved), undefined)
    assert.equal(second.admit(limited, 'b', unsaved), undefined)
    assert.equal(second.admit(limited, 'c', unsaved), 'used-up')
    assert.equal(second.refusal(limited), undefined)
    now = NOW + 64
    assert.equal(second.refusal(limited), undefined, 'within the clock skew')
    now = NOW + 65
    assert.equal(second.refusal(limited), 'expired')
    now = NOW + 70
    assert.deepEqual((await make()).debug(), { revoked: 0, uses: 0 })
  })

  it('rejects a revocation that could not be kept, and yet revokes', async () => {
    const { ticketKey, issue } = authority()
    const made = new TicketAuthority({
      ticketKey,
      self: peers[1],
      clockSkew: 0,
      now: () => NOW,
      store: {
        load: async () => ({ revoked: [], uses: [] }),
        save: async () => {
          throw new Error('disk full')
        }
      }
    })
    const ticket = issue()
    await assert.rejects(made.revoke(ticket), /disk full/)
    assert.equal(made.refusal(ticket), 'revoked')
    await assert.rejects(made.revoke({ id: 'x', expires: 1 }), { code: 'ERR_INVALID_TICKET' })
  })
})
