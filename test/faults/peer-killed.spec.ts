import assert from 'node:assert/strict'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { createTunnel, generateToken } from '@warren/tunnel'
import type { Session, Tunnel } from '@warren/tunnel'
import { Remote } from '../support/remote.ts'
import type * as peerModule from '../support/session-peer.ts'
import { addressOf, afterwards, closeSwarms, listening } from '../support/swarms.ts'
import { until } from '../support/until.ts'

type SessionPeer = Remote<typeof peerModule>

/** Starts one that ends after the test. */
function startPeer(): SessionPeer {
  const peer: SessionPeer = Remote.start(new URL('../support/session-peer.js', import.meta.url))
  afterwards(async () => peer.stop())
  return peer
}

/** Two sessions of a tunnel here with one process: one dialled here, one dialled there. */
interface Scene {
  readonly tunnel: Tunnel
  readonly peer: SessionPeer
  readonly dialled: Session
  readonly accepted: Session
  /** Starts the same peer anew, at its address. */
  readonly again: () => Promise<void>
}

async function scene(resumeTimeout: number): Promise<Scene> {
  const token = generateToken()
  const swarm = await listening()
  const tunnel = createTunnel(swarm, {
    token,
    resumeTimeout,
    reconnect: { first: 50, factor: 2, max: 500 }
  })
  afterwards(async () => tunnel.close())
  const listener = await tunnel.listen('here')
  const key = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  const nodes = [addressOf(swarm).toString()]
  const options = { key, token, nodes, resumeTimeout }
  const peer = startPeer()
  const address = await peer.call('start', { ...options, port: 0 }, 'there')
  const port = Number(/tcp\/(\d+)/.exec(address)?.[1])
  const accepting = listener.accept()
  await peer.call('dial', 'here')
  const accepted = await accepting
  const dialled = await tunnel.dial('there')
  // So that each end has something that the other has not confirmed.
  await Promise.all([dialled, accepted].map(async s => s.send({ body: new Uint8Array(5_000) })))
  return {
    tunnel,
    peer,
    dialled,
    accepted,
    again: async () => {
      await startPeer().call('start', { ...options, port }, 'there')
    }
  }
}

function assertLost(error: Error | undefined): void {
  assert.equal((error as { code?: string } | undefined)?.code, 'ERR_SESSION_LOST', String(error))
  // The message, with its prefix.
  assert.equal((error as { unconfirmed?: number }).unconfirmed, 5_006)
}

describe('a peer that is killed', function () {
  this.timeout(120_000)
  afterEach(closeSwarms)

  it('and stays away: both kinds of session end with the typed error within resumeTimeout + 5 s', async () => {
    const resumeTimeout = 2_000
    const { tunnel, peer, dialled, accepted } = await scene(resumeTimeout)
    const detached = new Promise<void>(resolve => {
      accepted.on('detached', resolve)
    })
    peer.kill('SIGKILL')
    await detached
    const from = performance.now()
    const errors = await Promise.all([dialled.closed, accepted.closed])
    const took = performance.now() - from
    for (const error of errors) assertLost(error)
    assert.ok(took >= resumeTimeout * 0.9, `given up after ${took} ms`)
    assert.ok(took <= resumeTimeout + 5_000, `only after ${took} ms`)
    await assert.rejects(dialled.send({ body: new Uint8Array(1) }), { code: 'ERR_SESSION_LOST' })
    await until(() => tunnel.debug().sessions === 0, 'no session is left')
  })

  it('and comes back: both kinds of session end at once, long before resumeTimeout', async () => {
    const resumeTimeout = 600_000
    const { peer, dialled, accepted, again } = await scene(resumeTimeout)
    await peer.stop()
    await again()
    // Far from resumeTimeout, whatever the machine is doing: the test itself would have ended.
    for (const error of await Promise.all([dialled.closed, accepted.closed])) assertLost(error)
  })
})
