import assert from 'node:assert/strict'
import { Stage } from './command.ts'
import { closedPort } from './relayed.ts'
import { curl, needs, testServer } from './programs.ts'
import type { TestServer } from './programs.ts'

interface Listed {
  readonly tickets: { id: string; channel: string; state: string; expires: string }[]
}

describe('warren ticket', () => {
  let stage: Stage
  let server: TestServer
  before(function () {
    needs(this, 'curl')
  })
  beforeEach(async () => {
    stage = await Stage.create()
    server = await testServer('hello\n')
  })
  afterEach(async () => {
    await stage.close()
    await server.close()
  })

  const list = async (): Promise<Listed['tickets']> =>
    (JSON.parse((await stage.finished('a', ['ticket', 'ls', '--json'])).out) as Listed).tickets

  it('revoke ends live sessions and the opening itself, and lasts over a restart', async () => {
    const where = ['--listen', `/ip4/127.0.0.1/tcp/${await closedPort()}`]
    const args = ['share', String(server.port), '--as', 'web', ...where]
    const sharing = stage.warren('a', args)
    const ticket = await sharing.firstLine()
    const opening = stage.warren('b', ['open', ticket])
    const url = await opening.firstLine()
    const fetching = stage.run('curl', ['--silent', '--no-buffer', `${url}/slow`])
    await fetching.firstLine()

    const [listed] = await list()
    assert.equal(listed?.state, 'valid')
    const revoked = performance.now()
    const { code, err } = await stage.finished('a', [
      'ticket',
      'revoke',
      listed?.id.slice(0, 8) ?? ''
    ])
    assert.equal(code, 0)
    assert.match(err, /web is revoked/)
    assert.equal((await opening.ended).code, 77)
    assert.match(opening.err, /revoked|taken back/)
    assert.notEqual((await fetching.ended).code, 0)
    assert.ok(performance.now() - revoked < 5_000)
    assert.equal((await list())[0]?.state, 'revoked')

    await sharing.stop()
    const again = stage.warren('a', args)
    assert.notEqual(await again.firstLine(), ticket, 'a revoked ticket is not printed again')
    const refused = await stage.finished('b', ['open', ticket])
    assert.equal(refused.code, 77)
    assert.match(refused.err, /revoked|taken back/)
    const fresh = stage.warren('c', ['open', await again.firstLine()])
    assert.equal(await curl(stage, await fresh.firstLine()), 'hello\n')
  })

  it('revoke reaches a process whose control socket cannot be found', async () => {
    // Started with another runtime directory: only the state directory is common.
    const sharing = stage.warren('a', ['share', String(server.port)])
    const ticket = await sharing.firstLine()
    const opening = stage.warren('b', ['open', ticket])
    await opening.firstLine()
    const { unlink } = await import('node:fs/promises')
    await unlink(stage.home(`a/run/${sharing.pid}.sock`))
    const revoked = performance.now()
    await stage.finished('a', ['ticket', 'revoke', '-'], ticket)
    assert.equal((await opening.ended).code, 77)
    assert.ok(performance.now() - revoked < 5_000)
  })

  it('new makes another ticket for the same share, and one can be revoked without the other', async () => {
    const sharing = stage.warren('a', ['share', String(server.port), '--as', 'web'])
    const first = stage.warren('b', ['open', await sharing.firstLine()])
    const url = await first.firstLine()
    const made = await stage.finished('a', ['ticket', 'new', 'web', '--expires', '1h', '--json'])
    const { ticket, id } = JSON.parse(made.out) as { ticket: string; id: string }
    const second = stage.warren('c', ['open', ticket])
    assert.equal(await curl(stage, await second.firstLine()), 'hello\n')
    assert.equal((await list()).length, 2)
    await stage.finished('a', ['ticket', 'revoke', id])
    assert.equal((await second.ended).code, 77)
    assert.equal(await curl(stage, url), 'hello\n', 'the other ticket still works')
  })

  it('with one use admits one machine, again and again, and no other', async () => {
    const args = ['share', String(server.port), '--as', 'web', '--uses', '1']
    const sharing = stage.warren('a', args)
    const ticket = await sharing.firstLine()
    const first = stage.warren('b', ['open', ticket])
    assert.equal(await curl(stage, await first.firstLine()), 'hello\n')
    await first.stop()
    const other = await stage.finished('c', ['open', ticket])
    assert.equal(other.code, 77)
    const again = stage.warren('b', ['open', ticket])
    assert.equal(await curl(stage, await again.firstLine()), 'hello\n')
  })

  it('says what it does not know', async () => {
    assert.equal((await stage.finished('a', ['ticket', 'revoke', 'beef'])).code, 69)
    assert.equal((await stage.finished('a', ['ticket', 'revoke', 'no hex'])).code, 2)
    const unknown = await stage.finished('a', ['ticket', 'new', 'web'])
    assert.equal(unknown.code, 69)
    assert.match(unknown.err, /nothing is shared here as "web"/)
  })
})
