import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, askAll, GONE } from '../src/control/control-client.ts'
import { serveControl } from '../src/control/control-server.ts'
import type { ControlServer } from '../src/control/control-server.ts'
import { MAX_REQUEST } from '../src/control/protocol.ts'

const ID = '0123456789abcdef0123456789abcdef'

/** Sends bytes as they are and gives everything that comes back until the end. */
function raw(path: string, bytes: string): Promise<string> {
  return new Promise(resolve => {
    const socket = createConnection({ path })
    let got = ''
    socket.on('data', chunk => (got += chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(got))
    socket.write(bytes)
  })
}

describe('control socket', () => {
  let directory: string
  let home: string
  let server: ControlServer | undefined
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warren-control-'))
    home = join(directory, 'home')
    await mkdir(home, { mode: 0o700 })
  })
  afterEach(async () => {
    await server?.close()
    server = undefined
    await rm(directory, { recursive: true, force: true })
  })

  const handlers = {
    status: () => ({ fine: true }),
    revoke: async (id: string) => {
      if (id !== ID)
        throw Object.assign(new Error('no such ticket'), { code: 'ERR_TICKET_UNKNOWN' })
      return { revoked: id }
    }
  }

  it('answers what it is asked, and is for its user alone', async () => {
    server = await serveControl(home, handlers, {})
    assert.equal(server.path, join(home, 'run', `${process.pid}.sock`))
    assert.equal((await stat(server.path)).mode & 0o777, 0o600)
    assert.equal((await stat(join(home, 'run'))).mode & 0o777, 0o700)
    assert.deepEqual(await ask(server.path, { warren: 1, do: 'status' }), { fine: true })
    assert.deepEqual(await ask(server.path, { warren: 1, do: 'revoke', id: ID }), { revoked: ID })
    await assert.rejects(ask(server.path, { warren: 1, do: 'revoke', id: 'f'.repeat(32) }), {
      code: 'ERR_CONTROL',
      message: /no such ticket/
    })
  })

  it('is in XDG_RUNTIME_DIR when there is one, and found there', async () => {
    const runtime = join(directory, 'runtime')
    await mkdir(runtime, { mode: 0o700 })
    const env = { XDG_RUNTIME_DIR: runtime }
    server = await serveControl(home, handlers, env)
    assert.equal(server.path, join(runtime, 'warren', `${process.pid}.sock`))
    const { answers, silent } = await askAll(home, { warren: 1, do: 'status' }, env)
    assert.deepEqual(answers, [{ pid: process.pid, data: { fine: true } }])
    assert.deepEqual(silent, [])
  })

  it('is in the state directory when XDG_RUNTIME_DIR is missing or not for us alone', async () => {
    server = await serveControl(home, handlers, { XDG_RUNTIME_DIR: join(directory, 'none') })
    assert.match(server.path, /home\/run\//)
    await server.close()
    const loose = join(directory, 'loose')
    await mkdir(join(loose, 'warren'), { recursive: true })
    await writeFile(join(loose, 'warren', 'planted'), '')
    await chmod(join(loose, 'warren'), 0o777)
    server = await serveControl(home, handlers, { XDG_RUNTIME_DIR: loose })
    assert.match(server.path, /home\/run\//)
  })

  it('works under a path that is too long for a unix socket', async function () {
    if (process.platform !== 'linux') {
      Object.assign(this.currentTest ?? this.test ?? {}, {
        skipReason: 'Linux: paths and modes of its sockets'
      })
      this.skip()
    }
    const long = join(directory, 'x'.repeat(120))
    await mkdir(long, { mode: 0o700 })
    server = await serveControl(long, handlers, {})
    const { answers } = await askAll(long, { warren: 1, do: 'status' }, {})
    assert.deepEqual(answers, [{ pid: process.pid, data: { fine: true } }])
  })

  it('removes its socket at the end, and those of dead processes at the start', async () => {
    const run = join(home, 'run')
    await mkdir(run, { mode: 0o700 })
    // A socket whose process is gone: bound, and moved away before it is closed.
    const dead = createServer()
    await new Promise<void>(resolve => dead.listen({ path: join(run, 'tmp') }, resolve))
    const { rename } = await import('node:fs/promises')
    await rename(join(run, 'tmp'), join(run, '4242.sock'))
    await new Promise(resolve => dead.close(resolve))
    assert.deepEqual(await readdir(run), ['4242.sock'])
    assert.equal(await ask(join(run, '4242.sock'), { warren: 1, do: 'status' }), GONE)
    server = await serveControl(home, handlers, {})
    assert.deepEqual(await readdir(run), [`${process.pid}.sock`])
    await server.close()
    assert.deepEqual(await readdir(run), [])
  })

  it('refuses what it does not know, without falling over', async () => {
    server = await serveControl(home, handlers, {})
    for (const line of [
      '{}',
      'null',
      '[1',
      '{"warren":2,"do":"status"}',
      '{"warren":1,"do":"x"}'
    ]) {
      const answer = JSON.parse(await raw(server.path, `${line}\n`)) as { ok: boolean }
      assert.equal(answer.ok, false, line)
    }
    const answer = await raw(server.path, '{"warren":1,"do":"revoke","id":"../../x"}\n')
    assert.match(answer, /"ok":false/)
    assert.deepEqual(await ask(server.path, { warren: 1, do: 'status' }), { fine: true })
  })

  it('reads no request without end', async () => {
    server = await serveControl(home, handlers, {})
    assert.equal(await raw(server.path, 'x'.repeat(MAX_REQUEST + 2)), '')
    assert.equal(await raw(server.path, `${' '.repeat(MAX_REQUEST + 1)}{}\n`), '')
  })

  it('answers a request that comes byte by byte', async () => {
    const { path } = (server = await serveControl(home, handlers, {}))
    const line = '{"warren":1,"do":"status"}\n'
    const got = await new Promise<string>(resolve => {
      const socket = createConnection({ path })
      let text = ''
      socket.on('data', chunk => (text += chunk))
      socket.on('close', () => resolve(text))
      const next = (i: number): void => {
        if (i < line.length) socket.write(line[i] ?? '', () => setImmediate(() => next(i + 1)))
      }
      next(0)
    })
    assert.equal(got, '{"ok":true,"data":{"fine":true}}\n')
  })
})
