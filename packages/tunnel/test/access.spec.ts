import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { encodeLengthPrefixed, LengthPrefixedDecoder } from '@warren/utils'
import { Control } from '../proto/control.ts'
import { SESSION_PROTOCOL } from '../src/channels/dial-session.ts'
import type { Session } from '../src/index.ts'
import { TUNNEL_PROTOCOL } from '../src/links/link-broker.ts'
import { readStream } from '../src/links/read-stream.ts'
import { openHead } from './support/heads.ts'
import {
  addressOf,
  cleanUp,
  linked,
  message,
  node,
  once,
  pair,
  swarmNode,
  textOf,
  until
} from './support/nodes.ts'
import type { Node } from './support/nodes.ts'

const REVOKED = 'ERR_SESSION_REVOKED'

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code
}

/** A session from `dialler` on a channel that is listened on, both ends of it. */
async function sessionOn(
  dialler: Node,
  listener: { accept(): Promise<Session> },
  channel: string
): Promise<[Session, Session]> {
  const session = await dialler.tunnel.dial(channel)
  const accepted = await listener.accept()
  await session.send(message('ping'))
  assert.equal(textOf(await accepted.receive()), 'ping')
  return [session, accepted]
}

async function bothRevoked([here, there]: readonly [Session, Session]): Promise<void> {
  assert.deepEqual([codeOf(await here.closed), codeOf(await there.closed)], [REVOKED, REVOKED])
}

describe('peers of a tunnel', () => {
  afterEach(cleanUp)

  it('are those that it links with: others fail as with a wrong token, at both ends', async () => {
    const host = await node()
    const [friend, stranger] = [await node(), await node()]
    host.tunnel.setPeers({ allow: [friend.swarm.peerId] })
    const told = once(host.tunnel, 'link-error')
    const failed = once(stranger.tunnel, 'link-error')
    for (const each of [friend, stranger]) {
      each.tunnel.setNodes([addressOf(host)])
      await each.tunnel.connect()
    }
    await linked(friend, host)
    const [error, , fatal] = await failed
    assert.deepEqual([codeOf(error), fatal], ['ERR_AUTHENTICATION', true])
    assert.match(((await told)[0] as Error).message, /not admitted by this tunnel's peers/)
    assert.equal(host.tunnel.links().length, 1)
  })

  it('cannot tell that they are refused although their token is right', async () => {
    const host = await node()
    const stranger = await swarmNode()
    host.tunnel.setPeers({ deny: [stranger.peerId] })
    const denied = await conversation(stranger, host)
    host.tunnel.setPeers({})
    const wrong = await conversation(stranger, host)
    assert.deepEqual(denied, wrong)
    assert.equal(denied.at(-1), 'refuse AUTHENTICATION')
  })

  it('are not dialled either when they are denied', async () => {
    const far = await node()
    const near = await node({ peers: { deny: [far.peer] }, nodes: [addressOf(far)] })
    const failed = once(near.tunnel, 'link-error')
    await near.tunnel.connect()
    assert.equal(codeOf((await failed)[0]), 'ERR_AUTHENTICATION')
    assert.equal(near.swarm.connections().length, 0, 'it was not even dialled')
  })

  it('lose their links and sessions when they are denied; others do not', async () => {
    const host = await node()
    const [bad, good] = [
      await node({ nodes: [addressOf(host)] }),
      await node({ nodes: [addressOf(host)] })
    ]
    const listener = await host.tunnel.listen('web')
    const back = await bad.tunnel.listen('back')
    const lost = await sessionOn(bad, listener, 'web')
    const kept = await sessionOn(good, listener, 'web')
    const theirs = await sessionOn(host, back, 'back')
    const unlinked = once(bad.tunnel, 'unlink')
    host.tunnel.setPeers({ deny: [bad.peer] })
    await bothRevoked(lost)
    await bothRevoked(theirs)
    assert.equal(codeOf((await unlinked)[1]), 'ERR_AUTHENTICATION')
    await kept[0].send(message('still here'))
    assert.equal(textOf(await kept[1].receive()), 'still here')
    // And they come back when they may again.
    host.tunnel.setPeers({})
    bad.tunnel.reconnect()
    await (await bad.tunnel.dial('web')).close()
  })

  it('lose sessions that are detached, too, without waiting for a link', async () => {
    const [a, b] = await pair()
    const listener = await b.tunnel.listen('web')
    const [session, accepted] = await sessionOn(a, listener, 'web')
    const unlinked = once(b.tunnel, 'unlink')
    a.tunnel.setNodes([])
    await a.swarm.closePeer(b.swarm.peerId)
    await unlinked
    assert.equal(accepted.status, 'open')
    b.tunnel.setPeers({ allow: [] })
    assert.equal(codeOf(await accepted.closed), REVOKED)
    session.abort()
  })

  it('are peer ids', async () => {
    await assert.rejects(node({ peers: { allow: ['nobody'] } }), { code: 'ERR_TUNNEL_OPTION' })
    const host = await node()
    assert.throws(() => host.tunnel.setPeers({ deny: [''] }), { code: 'ERR_TUNNEL_OPTION' })
  })
})

describe('peers of a listener', () => {
  afterEach(cleanUp)

  it('are those that may know of the channel and open it', async () => {
    const host = await node()
    const [friend, other] = [
      await node({ nodes: [addressOf(host)] }),
      await node({ nodes: [addressOf(host)] })
    ]
    const listener = await host.tunnel.listen('web', { peers: { allow: [friend.peer] } })
    await sessionOn(friend, listener, 'web')
    await other.tunnel.connect()
    await assert.rejects(other.tunnel.dial('web', { wait: false }), {
      code: 'ERR_CHANNEL_NOT_FOUND'
    })
    assert.deepEqual(other.tunnel.channels(), [])
    // Nor when it asks without any discovery: refuse, 2 bytes, code 1, as for a channel unknown.
    for (const channel of ['web', 'unknown']) {
      const stream = await other.swarm.newStream(host.swarm.peerId, SESSION_PROTOCOL)
      stream.send(openHead(channel))
      const { value } = await readStream(stream).next()
      assert.deepEqual([...(value as Uint8Array)], [3, 0, 2, 0, 1], channel)
    }
    // Its own process is no peer.
    await (await host.tunnel.dial('web')).close()
  })

  it('change while sessions run: those of peers that lost their place end, the channel goes', async () => {
    const host = await node()
    const [bad, good] = [
      await node({ nodes: [addressOf(host)] }),
      await node({ nodes: [addressOf(host)] })
    ]
    const listener = await host.tunnel.listen('web')
    await host.tunnel.listen('ssh')
    const lost = await sessionOn(bad, listener, 'web')
    const kept = await sessionOn(good, listener, 'web')
    const [local, atLocal] = await sessionOn(host, listener, 'web')
    await listener.setPeers({ deny: [bad.peer] })
    await bothRevoked(lost)
    await until(
      () => bad.tunnel.channels().every(({ channel }) => channel !== 'web'),
      'the channel has gone'
    )
    assert.equal(bad.tunnel.links().length, 1, 'the link stays')
    await (await bad.tunnel.dial('ssh')).close()
    for (const session of [...kept, local, atLocal]) assert.equal(session.status, 'open')
    await listener.setPeers({})
    await (await bad.tunnel.dial('web')).close()
    await assert.rejects(listener.setPeers({ allow: ['?'] }), { code: 'ERR_TUNNEL_OPTION' })
  })
})

describe('access', () => {
  afterEach(cleanUp)

  it('is asked about again when a session resumes; a no ends it at both ends', async () => {
    let allowed = true
    const asked: string[] = []
    const [a, b] = await pair(
      {},
      {
        authorize: async ({ channel }) => {
          asked.push(channel)
          return allowed || channel !== 'web'
        }
      }
    )
    const [web, ssh] = [await b.tunnel.listen('web'), await b.tunnel.listen('ssh')]
    const lost = await sessionOn(a, web, 'web')
    const kept = await sessionOn(a, ssh, 'ssh')
    const before = asked.length
    const relinked = once(a.tunnel, 'link')
    await a.swarm.closePeer(b.swarm.peerId)
    await relinked
    await until(() => kept[0].stats().resumes === 1, 'it is attached again')
    await until(() => lost[0].stats().resumes === 1, 'it is attached again, too')
    assert.ok(asked.length >= before + 2)
    allowed = false
    await a.swarm.closePeer(b.swarm.peerId)
    await bothRevoked(lost)
    await until(() => kept[0].stats().resumes === 2, 'the other one goes on')
    await kept[0].send(message('on'))
    assert.equal(textOf(await kept[1].receive()), 'on')
  })

  it('survives a hook that fails, or a link that breaks, while it is asked at a resume', async () => {
    let failures = 2
    const [a, b] = await pair(
      {},
      {
        authorize: ({ link }) => {
          if (link.sessions === 0 && b.tunnel.status().sessions > 0 && failures-- > 0) {
            void a.swarm.closePeer(b.swarm.peerId)
            return new Promise(resolve => setTimeout(resolve, 20, true))
          }
          return true
        }
      }
    )
    const listener = await b.tunnel.listen('web')
    const [here, there] = await sessionOn(a, listener, 'web')
    await a.swarm.closePeer(b.swarm.peerId)
    await until(() => failures < 0 && here.link !== undefined, 'it is attached again')
    await here.send(message('on'))
    assert.equal(textOf(await there.receive()), 'on')
  })

  it('is asked about channels that are not there as about those that are', async () => {
    const asked: string[] = []
    const [a, b] = await pair(
      {},
      {
        authorize: async ({ channel }) => {
          asked.push(channel)
          await new Promise(resolve => setTimeout(resolve, 20))
          return channel === 'web'
        }
      }
    )
    for (const channel of ['web', 'secret']) await b.tunnel.listen(channel)
    await b.tunnel.listen('listed', { peers: { allow: [] } })
    const names = ['secret', 'listed', 'unknown']
    asked.length = 0
    // In a discovery, and in an open.
    for (const channel of names) {
      await assert.rejects(a.tunnel.dial(channel, { wait: false }), {
        code: 'ERR_CHANNEL_NOT_FOUND'
      })
      const stream = await a.swarm.newStream(b.swarm.peerId, SESSION_PROTOCOL)
      stream.send(openHead(channel))
      const { value } = await readStream(stream).next()
      assert.deepEqual([...(value as Uint8Array)], [3, 0, 2, 0, 1], channel)
    }
    for (const channel of names) {
      assert.ok(asked.filter(name => name === channel).length >= 2, channel)
    }
  })

  it('is asked about everything again on request', async () => {
    const denied = new Set<string>()
    const [a, b] = await pair({}, { authorize: ({ channel }) => !denied.has(channel) })
    const [web, ssh] = [await b.tunnel.listen('web'), await b.tunnel.listen('ssh')]
    const lost = await sessionOn(a, web, 'web')
    const [kept] = await sessionOn(a, ssh, 'ssh')
    denied.add('web')
    assert.equal(lost[0].status, 'open')
    await b.tunnel.recheckAccess()
    await bothRevoked(lost)
    assert.equal(kept.status, 'open')
    await until(() => a.tunnel.channels().length === 1, 'the channel is gone')
    denied.clear()
    await b.tunnel.recheckAccess()
    await (await a.tunnel.dial('web')).close()
  })
})

/** What a host says to `stranger`, who opens a control stream and proves nothing: names and sizes. */
async function conversation(stranger: Node['swarm'], host: Node): Promise<string[]> {
  const connection = await stranger.dial(addressOf(host))
  const stream = await stranger.newStream(connection, TUNNEL_PROTOCOL)
  const say = (control: Control): void => {
    stream.send(encodeLengthPrefixed(Control.encode(control)))
  }
  const nonce = Uint8Array.from(randomBytes(32))
  say({ hello: { version: 1, nonce, open: false, tickets: [], instance: new Uint8Array(0) } })
  const decoder = new LengthPrefixedDecoder(65_536)
  const heard: string[] = []
  for await (const chunk of readStream(stream)) {
    for (const frame of decoder.push(chunk)) {
      const control = Control.decode(frame)
      const [name] = Object.keys(control)
      heard.push(
        control.refuse === undefined ? `${name} ${frame.length}` : `refuse ${control.refuse.code}`
      )
      if (control.proof === undefined) continue
      say({ proof: { tokens: [Uint8Array.from(randomBytes(32))], tickets: [], refused: [] } })
    }
  }
  return heard
}
