import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { MAX_UNIX_PATH } from '../src/address.ts'
import type { TcpListener } from '../src/listener-stats.ts'
import type { TcpOptions } from '../src/options.ts'
import { Scene, closed, dial, pattern, rawUpgrader, readAll, transport } from './support.ts'

describe('unix sockets', () => {
  const scene = new Scene()
  const listeners: TcpListener[] = []
  let folder: string

  before(function () {
    if (process.platform === 'win32') {
      Object.assign(this.currentTest ?? this.test ?? {}, { skipReason: 'unix sockets' })
      this.skip()
    }
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'warren-tcp-'))
  })
  afterEach(async () => {
    await scene.end()
    await Promise.all(listeners.splice(0).map(listener => listener.close()))
    rmSync(folder, { recursive: true })
  })

  const addr = (path: string): Multiaddr => multiaddr(`/unix/${encodeURIComponent(path)}`)

  async function listen(
    path: string,
    options: TcpOptions = {},
    onConn: (conn: MultiaddrConnection) => void = () => {}
  ): Promise<TcpListener> {
    const listener = transport(options).createListener({ upgrader: rawUpgrader(onConn) })
    listeners.push(listener)
    await listener.listen(addr(path))
    return listener
  }

  it('carries bytes both ways and removes its file', async () => {
    const path = join(folder, 'a b.sock')
    const echoed: MultiaddrConnection[] = []
    const listener = await listen(path, {}, conn => {
      echoed.push(conn)
      conn.addEventListener('message', event => conn.send(event.data))
    })
    assert.deepEqual(listener.getAddrs().map(String), [addr(path).toString()])
    const conn = await dial(addr(path))
    const bytes = pattern(200_000)
    conn.send(bytes)
    const chunks: Uint8Array[] = []
    let got = 0
    for await (const chunk of conn) {
      chunks.push(chunk)
      got += chunk.byteLength
      if (got >= bytes.length) break
    }
    assert.ok(Buffer.concat(chunks).equals(bytes))
    assert.equal(conn.remoteAddr.toString(), addr(path).toString())
    assert.equal(echoed[0]?.remoteAddr.toString(), addr(path).toString())
    await conn.close()
    await listener.close()
    assert.equal(existsSync(path), false)
  })

  it('abort() ends the peer, though there is no RST', async () => {
    const path = join(folder, 's')
    await listen(path, {}, conn => conn.abort(new Error('no')))
    const client = await scene.client(addr(path))
    assert.equal((await readAll(client)).length, 0)
  })

  it('close() delivers what is pending', async () => {
    const path = join(folder, 's')
    const bytes = pattern(3_000_000)
    await listen(path, {}, conn => {
      conn.send(bytes)
      conn.close().catch(() => {})
    })
    assert.ok((await readAll(await scene.client(addr(path)))).equals(bytes))
  })

  it('has exactly the permissions asked for, whatever the mask', async () => {
    const mask = process.umask(0o077)
    try {
      for (const mode of [undefined, 0o600, 0o660, 0o666]) {
        const path = join(folder, `${mode}`)
        await listen(path, mode === undefined ? {} : { unixMode: mode })
        assert.equal(lstatSync(path).mode & 0o777, mode ?? 0o600)
      }
      assert.equal(process.umask(), 0o077)
    } finally {
      process.umask(mask)
    }
  })

  it('is never open to others, not even before listen() has returned', async () => {
    const mask = process.umask(0)
    try {
      const path = join(folder, 's')
      const listening = listen(path)
      assert.equal(lstatSync(path).mode & 0o077, 0)
      await listening
    } finally {
      process.umask(mask)
    }
  })

  it('takes the place of a dead process’s socket, not of a live one’s', async () => {
    const path = join(folder, 's')
    const other = spawn(
      process.execPath,
      [
        '-e',
        'require("node:net").createServer().listen(process.argv[1], () => console.log())',
        path
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    try {
      await once(other.stdout, 'data')
      await assert.rejects(listen(path), {
        code: 'ERR_TCP_ADDRESS_IN_USE',
        message: /another process listens on it/
      })
    } finally {
      const exit = once(other, 'exit')
      other.kill('SIGKILL')
      await exit
    }
    assert.ok(lstatSync(path).isSocket(), 'a killed process leaves its file behind')
    const conns: MultiaddrConnection[] = []
    await listen(path, {}, conn => void conns.push(conn))
    const client = await dial(addr(path))
    await client.close()
    assert.equal(conns.length, 1)
  })

  it('never removes what is not a socket', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'precious')
    const link = join(folder, 'link')
    symlinkSync(file, link)
    const dir = join(folder, 'dir')
    mkdirSync(dir)
    for (const path of [file, link, dir]) {
      await assert.rejects(listen(path), { code: 'ERR_TCP_UNIX_PATH', message: /not a socket/ })
    }
    assert.equal(readFileSync(link, 'utf8'), 'precious')
    assert.ok(lstatSync(dir).isDirectory())
  })

  it('refuses paths that the system would cut, and relative ones', async () => {
    const longest = join(folder, 'x'.repeat(MAX_UNIX_PATH - folder.length - 1))
    await listen(longest)
    const conn = await dial(addr(longest))
    conn.abort(new Error('done'))
    for (const path of [`${longest}x`, join(folder, 'é'.repeat(60)), 'relative/s', '/tmp/a\0b']) {
      await assert.rejects(listen(path), { code: 'ERR_TCP_UNIX_PATH' }, path)
      await assert.rejects(dial(addr(path)), { code: 'ERR_TCP_UNIX_PATH' }, path)
    }
    assert.equal(existsSync(join(folder, 'é')), false)
  })

  it('says what is missing', async () => {
    await assert.rejects(dial(addr(join(folder, 'none'))), {
      code: 'ERR_TCP_CONNECT',
      message: /ENOENT, there is no such socket file/
    })
    await assert.rejects(listen(join(folder, 'no', 'such', 'folder')), {
      code: 'ERR_TCP_LISTEN',
      message: /folder of the socket file does not exist/
    })
  })

  it('notices a waiting peer that hangs up', async () => {
    const path = join(folder, 's')
    const conns: MultiaddrConnection[] = []
    await listen(path, {}, conn => void conns.push(conn))
    const client = await scene.client(addr(path))
    client.destroy()
    while (conns.length === 0) await new Promise(resolve => setImmediate(resolve))
    const conn = conns[0] as MultiaddrConnection
    if (conn.status === 'open' || conn.status === 'closing') await closed(conn)
    assert.equal(conn.status, 'closed')
  })
})
