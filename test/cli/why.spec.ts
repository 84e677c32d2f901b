import assert from 'node:assert/strict'
import { Stage } from './command.ts'
import { testServer } from './programs.ts'
import type { TestServer } from './programs.ts'
import { closedPort } from './relayed.ts'

interface Why {
  readonly peer: string
  readonly linked: boolean
  readonly pid?: number
  readonly paths: readonly {
    readonly address: string
    readonly path: string
    readonly used: boolean
    readonly rtt?: number
    readonly security?: string
    readonly muxer?: string
    readonly limits?: { readonly bytes?: number; readonly seconds?: number }
  }[]
  readonly dials: readonly {
    readonly address: string
    readonly connected: boolean
    readonly step: string
    readonly duration: number
    readonly cause?: string
    readonly code?: string
  }[]
}

describe('warren why', () => {
  let stage: Stage
  let server: TestServer
  beforeEach(async () => {
    stage = await Stage.create()
    server = await testServer('hello\n')
  })
  afterEach(async () => {
    await stage.close()
    await server.close()
  })

  it('names each address with step and cause, and the path in use with what limits it', async () => {
    const relay = await stage.warren('relay', ['relay']).firstLine()
    const closed = await closedPort()
    const announce = ['--announce', `/ip4/127.0.0.1/tcp/${closed}`, '--relay', relay]
    const sharing = stage.warren('a', ['share', `${server.port}`, ...announce])
    const ticket = await sharing.firstLine()
    const peer = (await stage.finished('a', ['key'])).out.trim()

    const alone = await stage.finished('b', ['why', ticket, '--json'])
    assert.equal(alone.code, 0, alone.err)
    const told = JSON.parse(alone.out) as Why
    assert.deepEqual([told.peer, told.linked, told.pid], [peer, false, undefined])
    const direct = told.dials.find(({ address }) => address.includes(`/tcp/${closed}/`))
    assert.deepEqual(
      [direct?.connected, direct?.step, direct?.cause, direct?.code],
      [false, 'connect', 'connection refused', 'ECONNREFUSED']
    )
    const through = told.dials.find(({ address }) => address.startsWith(`${relay}/p2p-circuit`))
    assert.deepEqual([through?.connected, through?.step], [true, 'connected'])
    assert.ok((through?.duration ?? 0) > 0)
    const [path] = told.paths
    assert.equal(told.paths.length, 1)
    assert.equal(path?.path, 'relayed')
    assert.deepEqual([path?.security, path?.muxer], ['/noise', '/yamux/1.0.0'])
    assert.ok((path?.rtt ?? 0) > 0)
    assert.ok((path?.limits?.bytes ?? 0) > 100_000 && (path?.limits?.bytes ?? 0) < 2 ** 17)
    assert.ok((path?.limits?.seconds ?? 0) > 100 && (path?.limits?.seconds ?? 0) <= 120)

    const opening = stage.warren('b', ['open', ticket])
    await opening.firstLine()
    for (const asked of [peer, ticket]) {
      const { out, code } = await stage.finished('b', ['why', asked, '--json'])
      const linked = JSON.parse(out) as Why
      assert.deepEqual([code, linked.linked, linked.pid], [0, true, opening.pid])
      assert.deepEqual([linked.paths[0]?.used, linked.paths[0]?.path], [true, 'relayed'])
      assert.ok(linked.dials.some(dial => dial.cause === 'connection refused'))
    }
    const { out } = await stage.finished('b', ['why', ticket])
    assert.match(out, new RegExp(`is linked \\(as process ${opening.pid} has it\\)`))
    assert.match(out, /in use {2}\S+p2p-circuit\S+ {2}\(relayed, limit .*\/noise, \/yamux.* ms\)/)
    assert.match(out, new RegExp(`tried .*${closed}\\S* +connect +\\d+ ms {2}connection refused`))
  })

  it('of a peer that is not there exits with 69, and still says what was tried', async () => {
    const sharing = stage.warren('a', ['share', `${server.port}`])
    const ticket = await sharing.firstLine()
    await sharing.stop()
    const { code, out } = await stage.finished('b', ['why', ticket])
    assert.equal(code, 69)
    assert.match(out, /is not reachable/)
    assert.match(out, /tried .*127\.0\.0\.1\S+ +connect +\d+ ms {2}connection refused/)
  })

  it('of a bare peer id that nothing here is linked to says what to give instead', async () => {
    const peer = (await stage.finished('a', ['key'])).out.trim()
    const { code, err } = await stage.finished('b', ['why', peer])
    assert.equal(code, 2)
    assert.match(err, /give a ticket/)
  })
})
