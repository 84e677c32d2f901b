import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { skip } from '../support/skip.ts'
import { until } from '../support/until.ts'
import { Attacker } from './support/attacker.ts'
import { Scene } from './support/scene.ts'

const SILENT = 2_000
const DIALLERS = 1_000
const DESCRIPTORS = 256
const MAX_UPGRADES = 64
const MAX_WAITING = 1_024

/** Milliseconds of CPU in a second of a process that does not spin: one peer is served. */
const CALM = 700

describe('a flood of connections', () => {
  /** Connects many times and says nothing. Some are reset at once, as they should be. */
  class Crowd implements Disposable {
    readonly sockets: net.Socket[] = []
    closed = 0

    static async gather(count: number, port: number): Promise<Crowd> {
      const crowd = new Crowd()
      for (let i = 0; i < count; i++) {
        const socket = net.connect({ port, host: '127.0.0.1' })
        socket.on('error', () => {})
        socket.on('close', () => crowd.closed++)
        crowd.sockets.push(socket)
        if (i % 50 === 49)
          await Promise.race([once(socket, 'connect'), sleep(1_000)]).catch(() => {})
      }
      return crowd
    }

    [Symbol.dispose](): void {
      for (const socket of this.sockets) socket.destroy()
    }
  }

  // Limits per source are shown by the upgrader's tests: tests talk to loopback only, which is exempt.
  describe('that stays silent', () => {
    let scene: Scene
    before(async () => {
      scene = await Scene.create({ upgradeTimeout: 2_000 })
    })
    after(async () => scene[Symbol.asyncDispose]())

    it(`${SILENT} connects from loopback: bounded, and service as before once they are gone`, async () => {
      // What a socket costs that waits unread: about 4 KB.
      const window = (MAX_WAITING + MAX_UPGRADES) * 8 * 1024
      await scene.underAttack('loopback', { settle: 20_000, window }, async () => {
        const refusedBefore = await refusedSockets(scene)
        using crowd = await Crowd.gather(SILENT, scene.port)
        await until(
          async () => (await refusedSockets(scene)) - refusedBefore >= SILENT - 2 * MAX_WAITING,
          'what is too much is refused'
        )
        for (const { waiting, upgrading } of await scene.victim.call('listenerStats')) {
          assert.ok(waiting <= MAX_WAITING, `${waiting} wait`)
          assert.ok(upgrading <= MAX_UPGRADES, `${upgrading} upgrades at once`)
        }
        assert.ok((await scene.victim.call('upgraderStats')).slots <= MAX_UPGRADES)
        await scene.honest.call('rounds', 20)
        crowd[Symbol.dispose]()
        await scene.honest.call('dialAgain', 3)
        const { failedDials } = await scene.honest.call('finish')
        assert.equal(failedDials, 0, 'honest dials once they have hung up')
      })
    })
  })

  it(`ulimit -n ${DESCRIPTORS} and ${DIALLERS} diallers: no spin, each surplus socket sees a close, service after`, async function () {
    if (process.platform !== 'linux') skip(this, 'prlimit')
    await using scene = await Scene.create({ acceptTimeout: 2_000 }, pid => {
      execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`])
    })
    const window = DESCRIPTORS * 64 * 1024
    await scene.underAttack('1,000 diallers', { window, settle: 20_000 }, async () => {
      const diallers = await Promise.all(
        Array.from({ length: DIALLERS }, async () => dialOnce(scene.port).catch(() => undefined))
      )
      const connected = diallers.filter(each => each !== undefined)
      // Each of the others has seen an end, or it would still be waited for.
      // Beyond its limit of connections, which follows that of descriptors, the swarm lets them wait.
      const { connections, queued, descriptors } = await scene.tables()
      console.log(
        `        ${connected.length} of ${DIALLERS} connected, ${queued} of them wait, ${descriptors} descriptors`
      )
      assert.ok(connections >= DESCRIPTORS / 4, `${connections} connections`)
      assert.ok(connections + queued <= connected.length, `${connections} and ${queued}`)
      assert.ok(descriptors < DESCRIPTORS, `${descriptors} descriptors are open`)
      // They stay for a while: a node that is full must not spin, or no second would be calm.
      await until(async () => {
        const before = await scene.victim.call('cpuTime')
        await sleep(1_000)
        return (await scene.victim.call('cpuTime')) - before < CALM
      }, `it uses less than ${CALM} ms of CPU in a second in which it only serves one peer`)
      await scene.honest.call('rounds', 10)
      for (const each of connected) each[Symbol.dispose]()
      await until(async () => (await scene.tables()).connections === 0, 'they are gone')
      await scene.honest.call('dialAgain', 3)
      const { failedDials } = await scene.honest.call('finish')
      assert.equal(failedDials, 0, 'honest dials afterwards')
    })
  })
})

/** A peer of its own: there is a limit for each. */
async function dialOnce(port: number): Promise<Attacker> {
  return Attacker.muxed(port, '/yamux/1.0.0', { privateKey: await generateKeyPair('Ed25519') })
}

async function refusedSockets(scene: Scene): Promise<number> {
  const stats = await scene.victim.call('listenerStats')
  return stats.reduce((sum, { refused }) => sum + refused.full + refused.descriptors, 0)
}
