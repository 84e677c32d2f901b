import assert from 'node:assert/strict'
import type { Ticket, TicketRecords, TicketRequest } from '../src/index.ts'
import { decodeTicket, encodeTicket, generateTicketKey, issueTicket } from '../src/index.ts'
import type { Node } from './support/nodes.ts'
import { WireMode } from '../proto/control.ts'
import { SESSION_PROTOCOL } from '../src/channels/dial-session.ts'
import { readStream } from '../src/links/read-stream.ts'
import { TunnelLink } from '../src/links/tunnel-link.ts'
import { openHead } from './support/heads.ts'
import { addressOf, cleanUp, message, node, once, textOf, until } from './support/nodes.ts'

const ticketKey = generateTicketKey()

function issue(sharer: Node, change: Partial<TicketRequest> = {}): Ticket {
  return issueTicket(ticketKey, {
    sharer: sharer.swarm.peerId,
    channel: 'web',
    expires: Math.floor(Date.now() / 1000) + 3_600,
    addrs: [addressOf(sharer)],
    ...change
  })
}

async function codeOf(event: Promise<unknown[]>): Promise<[string | undefined, unknown]> {
  const [error, , fatal] = await event
  return [(error as { code?: string }).code, fatal]
}

/** The codes of an error and of its cause. */
function codesOf(error: Error | undefined): (string | undefined)[] {
  return [error, error?.cause].map(each => (each as { code?: string } | undefined)?.code)
}

describe('tickets', () => {
  afterEach(cleanUp)

  it('link their holder to the sharer, by their text alone', async () => {
    const sharer = await node({ ticketKey })
    const listener = await sharer.tunnel.listen('web')
    const ticket = decodeTicket(encodeTicket(issue(sharer)))
    const holder = await node({ tickets: [ticket], listen: false })
    const session = await holder.tunnel.dial('web')
    await session.send(message('by ticket'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'by ticket')
    assert.equal(holder.tunnel.links()[0]?.scoped, true)
    assert.equal(sharer.tunnel.links()[0]?.scoped, true)
  })

  it('give one channel in one direction, and no sight of another', async () => {
    const sharer = await node({ ticketKey })
    for (const channel of ['web', 'secret']) await sharer.tunnel.listen(channel)
    const holder = await node({ tickets: [issue(sharer)] })
    await holder.tunnel.listen('web')
    await holder.tunnel.listen('mine')
    await holder.tunnel.connect()
    await until(() => holder.tunnel.links()[0]?.channels.length === 1, 'web is known')
    assert.deepEqual(holder.tunnel.links()[0]?.channels, ['web'])
    await assert.rejects(holder.tunnel.dial('secret', { wait: false }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    await assert.rejects(sharer.tunnel.dial('mine', { wait: false }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    assert.deepEqual(sharer.tunnel.links()[0]?.channels, [])
  })

  it('hold against a holder that takes liberties', async () => {
    const sharer = await node({ ticketKey })
    for (const channel of ['web', 'secret']) await sharer.tunnel.listen(channel)
    const holder = await node({ tickets: [issue(sharer)] })
    await holder.tunnel.connect()
    const [link] = holder.tunnel.links()
    assert.ok(link instanceof TunnelLink)
    // Its own side of the link lets it do everything; the sharer tells it nothing of the channel.
    link.scope.hold({ ...issue(sharer), channel: 'secret' })
    await assert.rejects(holder.tunnel.dial('secret', { wait: false }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    // Nor does it open it when asked without any discovery: refuse, 2 bytes, code 1.
    for (const channel of ['secret', 'unknown']) {
      const stream = await holder.swarm.newStream(link.connection, SESSION_PROTOCOL)
      stream.send(openHead(channel))
      const { value } = await readStream(stream).next()
      assert.deepEqual([...(value as Uint8Array)], [3, 0, 2, 0, 1], channel)
    }
    // And what a sharer announces beyond the ticket is not taken up by an honest holder.
    link.scope.remove(link.scope.held().find(({ channel }) => channel === 'secret')?.id ?? '')
    const [back] = sharer.tunnel.links()
    assert.ok(back instanceof TunnelLink)
    back.announce([{ name: 'secret', mode: WireMode.UNICAST, bytes: false }])
    const later = await sharer.tunnel.listen('later')
    await later.close()
    await (await holder.tunnel.dial('web')).close()
    assert.deepEqual(link.channels, ['web'])
  })

  it('let the holder provide the channel where they say so', async () => {
    const sharer = await node({ ticketKey })
    const holder = await node({ tickets: [issue(sharer, { direction: 'listen' })] })
    const listener = await holder.tunnel.listen('web')
    await holder.tunnel.connect()
    const session = await sharer.tunnel.dial('web')
    await session.send(message('reverse'))
    assert.equal(textOf(await (await listener.accept()).receive()), 'reverse')
    await sharer.tunnel.listen('other')
    await assert.rejects(holder.tunnel.dial('other', { wait: false }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
  })

  it('fail the link at both ends when the secret is wrong', async () => {
    const sharer = await node({ ticketKey })
    await sharer.tunnel.listen('web')
    const refused = once(sharer.tunnel, 'link-error')
    const holder = await node({ tickets: [{ ...issue(sharer), secret: new Uint8Array(16) }] })
    const failed = once(holder.tunnel, 'link-error')
    await holder.tunnel.connect()
    assert.deepEqual(await codeOf(failed), ['ERR_AUTHENTICATION', true])
    assert.deepEqual(await codeOf(refused), ['ERR_AUTHENTICATION', true])
    await assert.rejects(holder.tunnel.dial('web'), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_NO_LINK')
      assert.equal((error.cause as { code?: string }).code, 'ERR_AUTHENTICATION')
      return true
    })
  })

  it('fail when they have expired: by the clock of the holder, and by that of the sharer', async () => {
    const sharer = await node({ ticketKey, ticketClockSkew: 0 })
    const expires = Math.floor(Date.now() / 1000) - 30
    for (const ticketClockSkew of [0, 3_600]) {
      const holder = await node({ tickets: [issue(sharer, { expires })], ticketClockSkew })
      const failed = once(holder.tunnel, 'link-error')
      await holder.tunnel.connect()
      assert.deepEqual(await codeOf(failed), ['ERR_TICKET_EXPIRED', true])
    }
    const allowed = await node({ ticketKey, ticketClockSkew: 60 })
    await allowed.tunnel.listen('web')
    const holder = await node({ tickets: [issue(allowed, { expires })] })
    await (await holder.tunnel.dial('web')).close()
  })

  it('end their link and sessions when their time is over', async () => {
    // A clock that stands still, so that a test near the end of a second sees the same as any other.
    const start = Date.now() / 1000
    let elapsed = 0
    const wallClock = (): number => start + elapsed
    const sharer = await node({ ticketKey, wallClock, probeTimeout: 20 })
    const listener = await sharer.tunnel.listen('web')
    const holder = await node({ tickets: [issue(sharer)] })
    const session = await holder.tunnel.dial('web')
    const accepted = await listener.accept()
    elapsed = 3_600 + 59
    await new Promise(resolve => setTimeout(resolve, 60))
    assert.equal(session.status, 'open', 'ended within the clock skew')
    elapsed = 3_600 + 62
    const [here, there] = await Promise.all([session.closed, accepted.closed])
    assert.deepEqual(codesOf(there), ['ERR_SESSION_REVOKED', 'ERR_TICKET_EXPIRED'])
    assert.equal(codesOf(here)[0], 'ERR_SESSION_REVOKED')
    assert.match((here as Error).message, /expired/)
    await until(() => sharer.tunnel.links().length === 0, 'the link has ended')
  })

  it('end live links and sessions at once when they are revoked, and stay so', async () => {
    let kept: TicketRecords = { revoked: [], uses: [] }
    const revocations = {
      load: async () => kept,
      save: async (records: TicketRecords) => {
        kept = structuredClone(records)
      }
    }
    const sharer = await node({ ticketKey, revocations })
    const listener = await sharer.tunnel.listen('web')
    const [ticket, other] = [issue(sharer), issue(sharer)]
    const holder = await node({ tickets: [ticket] })
    const second = await node({ tickets: [other] })
    const session = await holder.tunnel.dial('web')
    const accepted = await listener.accept()
    const spared = await second.tunnel.dial('web')
    const failed = once(holder.tunnel, 'link-error')
    const started = performance.now()
    await sharer.tunnel.revokeTicket(ticket)
    const [here, there] = await Promise.all([session.closed, accepted.closed])
    assert.deepEqual(codesOf(there), ['ERR_SESSION_REVOKED', 'ERR_TICKET_REVOKED'])
    assert.equal(codesOf(here)[0], 'ERR_SESSION_REVOKED')
    // The holder learns by the session's reset or on the link, whichever comes first; both say why.
    assert.match((here as Error).message, /revoked/)
    assert.ok(performance.now() - started < 5_000)
    assert.deepEqual(await codeOf(failed), ['ERR_TICKET_REVOKED', true])
    assert.equal(spared.status, 'open')
    assert.deepEqual(kept.revoked, [{ id: ticket.id, expires: ticket.expires }])
    await sharer.tunnel.close()
    // The sharer restarts with what was kept.
    const restarted = await node({ ticketKey, revocations })
    const again = { ...ticket, sharer: restarted.swarm.peerId, addrs: [addressOf(restarted)] }
    const late = await node({ tickets: [again] })
    const refused = once(late.tunnel, 'link-error')
    await late.tunnel.connect()
    assert.equal((await codeOf(refused))[1], true)
  })

  it('admit as many peers as they allow, each as often as it likes', async () => {
    const sharer = await node({ ticketKey })
    await sharer.tunnel.listen('web')
    const ticket = issue(sharer, { uses: 1 })
    const first = await node({ tickets: [ticket] })
    await (await first.tunnel.dial('web')).close()
    await sharer.swarm.closePeer(first.swarm.peerId)
    await (await first.tunnel.dial('web')).close()
    const second = await node({ tickets: [ticket] })
    const failed = once(second.tunnel, 'link-error')
    await second.tunnel.connect()
    assert.deepEqual(await codeOf(failed), ['ERR_TICKET_USED_UP', true])
  })

  it('come and go on a live link', async () => {
    const sharer = await node({ ticketKey })
    const listeners = [await sharer.tunnel.listen('web'), await sharer.tunnel.listen('ssh')]
    const [web, ssh] = [issue(sharer), issue(sharer, { channel: 'ssh' })]
    const holder = await node({ tickets: [web] })
    await (await holder.tunnel.dial('web')).close()
    const [link] = holder.tunnel.links()
    holder.tunnel.addTicket(ssh)
    const session = await holder.tunnel.dial('ssh')
    const accepted = await listeners[1]?.accept()
    assert.equal(session.link, link?.id, 'the link was made anew')
    const refused = once(holder.tunnel, 'ticket-refused')
    holder.tunnel.addTicket({ ...issue(sharer, { channel: 'x' }), secret: new Uint8Array(16) })
    assert.equal(((await refused)[1] as { code?: string }).code, 'ERR_AUTHENTICATION')
    await sharer.tunnel.revokeTicket(ssh)
    assert.ok((await session.closed) !== undefined)
    assert.ok((await accepted?.closed) !== undefined)
    assert.equal(holder.tunnel.links()[0]?.id, link?.id)
    await (await holder.tunnel.dial('web')).close()
    holder.tunnel.removeTicket(web.id)
    await until(() => holder.tunnel.links().length === 0, 'no ticket, no link')
    await assert.rejects(holder.tunnel.dial('web', { timeout: 50 }), { code: 'ERR_NO_LINK' })
  })

  it('are taken by a running tunnel without any', async () => {
    const sharer = await node({ ticketKey })
    await sharer.tunnel.listen('web')
    const holder = await node({ tickets: [] })
    await holder.tunnel.connect()
    holder.tunnel.addTicket(issue(sharer))
    await (await holder.tunnel.dial('web')).close()
    await assert.rejects(holder.tunnel.revokeTicket(issue(sharer)), { code: 'ERR_TUNNEL_OPTION' })
  })

  it('are all taken, however many there are for one sharer', async () => {
    const sharer = await node({ ticketKey })
    const channels = Array.from({ length: 20 }, (_, i) => `channel ${i}`)
    for (const channel of channels) await sharer.tunnel.listen(channel)
    const tickets = channels.map(channel => issue(sharer, { channel }))
    const holder = await node({ tickets })
    await holder.tunnel.connect()
    await until(() => holder.tunnel.channels().length === 20, 'all channels are known')
    assert.equal(holder.tunnel.debug().links, 1)
  })

  it('do not let a session of a revoked ticket come back by another ticket', async () => {
    const sharer = await node({ ticketKey })
    const listener = await sharer.tunnel.listen('web')
    await sharer.tunnel.listen('ssh')
    const [web, ssh] = [issue(sharer), issue(sharer, { channel: 'ssh' })]
    const holder = await node({ tickets: [web] })
    const session = await holder.tunnel.dial('web')
    const accepted = await listener.accept()
    // The link breaks; while the session is detached the ticket is revoked.
    holder.tunnel.setNodes([])
    const unlinked = once(sharer.tunnel, 'unlink')
    await holder.swarm.closePeer(sharer.swarm.peerId)
    await Promise.all([unlinked, sharer.tunnel.revokeTicket(web)])
    holder.tunnel.addTicket(ssh)
    holder.tunnel.reconnect()
    await until(() => sharer.tunnel.links().length === 1, 'linked by the other ticket')
    assert.ok((await accepted.closed) !== undefined)
    assert.ok((await session.closed) !== undefined)
  })

  it('are bounded in number', async () => {
    const sharer = await node({ ticketKey })
    const holder = await node({ tickets: [issue(sharer)], limits: { tickets: 1 } })
    assert.throws(() => holder.tunnel.addTicket(issue(sharer)), { code: 'ERR_TUNNEL_LIMIT' })
  })
})
