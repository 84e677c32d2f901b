import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '../support/until.ts'
import { Stage } from './command.ts'
import type { Running } from './command.ts'
import { curl, curlHash, needs, sha256, testServer } from './programs.ts'
import { closedPort, Forwarder, statusOf } from './relayed.ts'

const MiB = 2 ** 20

describe('warren relay', () => {
  let stage: Stage
  before(function () {
    needs(this, 'curl')
  })
  beforeEach(async () => {
    stage = await Stage.create()
  })
  afterEach(() => stage.close())

  /** Starts the relay, and gives the address that it prints. */
  const relay = async (...args: string[]): Promise<{ running: Running; address: string }> => {
    const running = stage.warren('relay', ['relay', ...args])
    return { running, address: await running.firstLine() }
  }

  /** Shares a port at which only its relay, and `direct` once something is there, leads to it. */
  const share = async (target: number, at: string, direct: number) => {
    const where = ['--announce', `/ip4/127.0.0.1/tcp/${direct}`, '--relay', at]
    const running = stage.warren('a', ['share', `${target}`, '--json', ...where])
    const told = JSON.parse(await running.firstLine()) as { ticket: string; addresses: string[] }
    const own = told.addresses.find(address => !address.includes('/p2p-circuit'))
    const port = Number(/\/tcp\/(\d+)/.exec(own ?? '')?.[1])
    return { running, ticket: told.ticket, port }
  }

  const idOf = async (home: string): Promise<string> =>
    (await stage.finished(home, ['key'])).out.trim()

  it('carries a member’s share to who cannot reach it, with the limits of members', async () => {
    const body = randomBytes(20 * MiB)
    const server = await testServer(body)
    try {
      const { address, running } = await relay('--allow', await idOf('a'))
      assert.match(address, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3\w+$/)
      const { ticket } = await share(server.port, address, await closedPort())
      const opening = stage.warren('b', ['open', ticket])
      assert.equal(await curlHash(stage, await opening.firstLine()), sha256(body))
      assert.match(opening.err, /relayed, limit 16 GiB, 24 h/)

      const { links, sessions } = await statusOf(stage, 'b')
      assert.equal(links.length, 1)
      const { path, limits } = links[0] ?? {}
      assert.equal(path, 'relayed')
      const used = 16 * 1024 * MiB - (limits?.bytes ?? 0)
      assert.ok(used > 20 * MiB && used < 24 * MiB, `${used} bytes are counted`)
      assert.ok((limits?.seconds ?? 0) > 86_000 && (limits?.seconds ?? 0) <= 86_400)
      assert.equal(sessions.resumed, 0, 'nothing was cut')
      const [there] = (await statusOf(stage, 'a')).links
      assert.equal(there?.path, 'relayed')
      const { relay: relayed } = await statusOf(stage, 'relay')
      assert.deepEqual(relayed?.seats, [{ peer: await idOf('a'), member: true }])
      assert.equal((await running.stop('SIGINT')).code, 130)
    } finally {
      await server.close()
    }
  })

  it('cuts strangers at 128 KiB, which their sessions survive', async () => {
    const body = randomBytes(600 * 1024)
    const server = await testServer(body)
    try {
      const { address } = await relay()
      const { ticket } = await share(server.port, address, await closedPort())
      const opening = stage.warren('b', ['open', ticket])
      const url = await opening.firstLine()
      assert.match(opening.err, /relayed, limit 1\d\d KiB, (2 min|1\d\d s)/)
      assert.equal(await curlHash(stage, url), sha256(body))
      const { sessions } = await statusOf(stage, 'b')
      assert.ok(sessions.resumed >= 4, `${sessions.resumed} times on another connection`)
    } finally {
      await server.close()
    }
  })

  it('gives strangers no seat where it shall not, and says who may have one', async () => {
    const server = await testServer('hello\n')
    try {
      const { running, address } = await relay('--strangers', 'none')
      assert.match(running.err, /strangers get no seat/)
      const sharing = await share(server.port, address, await closedPort())
      assert.match(sharing.running.err, /no seat at the relay .*PERMISSION_DENIED/)
      const { relays } = await statusOf(stage, 'a')
      assert.equal(relays[0]?.state, 'trying')
      assert.match(relays[0]?.error ?? '', /PERMISSION_DENIED/)
      const opening = await stage.finished('b', ['open', sharing.ticket, '--timeout', '3s'])
      assert.equal(opening.code, 69, opening.err)
    } finally {
      await server.close()
    }
  })

  it('comes back at the same address, and those who had a seat take it again', async () => {
    const server = await testServer('hello\n')
    try {
      const first = await relay()
      const { running, ticket } = await share(server.port, first.address, await closedPort())
      const url = await stage.warren('b', ['open', ticket]).firstLine()
      await first.running.stop('SIGKILL')
      await running.says(/not reachable through the relay/)
      const second = await relay('--listen', first.address.replace(/\/p2p\/.*/, ''))
      assert.equal(second.address, first.address)
      await running.says(/\breachable through the relay/)
      assert.equal(await curl(stage, url), 'hello\n')
    } finally {
      await server.close()
    }
  })

  describe('when a direct way opens', () => {
    let server: Server
    let more = true
    const sent = createHash('sha256')
    before(async () => {
      server = createHttpServer((_request, response) => {
        const timer = setInterval(() => {
          if (!more) {
            clearInterval(timer)
            response.end()
          } else if (!response.writableNeedDrain) {
            const chunk = randomBytes(64 * 1024)
            sent.update(chunk)
            response.write(chunk)
          }
        }, 5)
        response.on('close', () => clearInterval(timer))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    after(() => {
      server.close()
      server.closeAllConnections()
    })

    it('moves there while a download runs, and leaves the relay', async () => {
      const { address } = await relay('--allow', await idOf('a'))
      const direct = await closedPort()
      const target = (server.address() as AddressInfo).port
      const { ticket, port } = await share(target, address, direct)
      const opening = stage.warren('b', ['open', ticket])
      const hash = curlHash(stage, await opening.firstLine())
      const path = async (home: string): Promise<string> =>
        (await statusOf(stage, home)).links.map(link => link.path).join()
      assert.equal(await path('b'), 'relayed')

      const forwarder = await Forwarder.start(direct, port)
      try {
        await opening.says(/link to \S+ is direct now/)
        await until(async () => (await path('b')) === 'direct', 'it is the only one here', 5_000)
        await until(async () => (await path('a')) === 'direct', 'it is the only one there', 5_000)
        const before = forwarder.bytes
        await until(() => forwarder.bytes > before + MiB, 'the download runs over it', 10_000)
        const { relay: relayed } = await statusOf(stage, 'relay')
        await until(
          async () => (await statusOf(stage, 'relay')).relay?.connections === 2,
          `only the two are connected to the relay (${relayed?.connections})`,
          5_000
        )
        more = false
        assert.equal(await hash, sent.digest('hex'))
        const { sessions } = await statusOf(stage, 'b')
        assert.ok(sessions.resumed >= 1, 'the session went on over the other connection')
      } finally {
        await forwarder.close()
      }
    })
  })
})
