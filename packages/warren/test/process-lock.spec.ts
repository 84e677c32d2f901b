import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { acquireLock } from '../src/state/process-lock.ts'

const MODULE = new URL('../src/state/process-lock.js', import.meta.url).href

/** A process that takes the lock, says so, and stays. */
async function holder(
  path: string
): Promise<{ pid: number; kill(signal: NodeJS.Signals): Promise<void> }> {
  const script = `
    const { acquireLock } = await import(${JSON.stringify(MODULE)})
    const lock = await acquireLock(${JSON.stringify(path)})
    process.stdout.write(lock.held ? 'held' : 'foreign')
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(said.toString(), 'held')
  return {
    pid: child.pid ?? 0,
    kill: async signal => {
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }
  }
}

describe('process lock', () => {
  let directory: string
  let path: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warren-lock-'))
    path = join(directory, 'lock')
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('is held by one, and free again after release', async () => {
    const first = await acquireLock(path)
    assert.ok(first.held)
    const second = await acquireLock(path)
    assert.deepEqual(second, { held: false, pid: process.pid })
    await first.release()
    const third = await acquireLock(path)
    assert.ok(third.held)
    await third.release()
    assert.deepEqual(await readdir(path), [])
  })

  it('belongs to the other process while it lives, and to nobody after kill -9', async () => {
    const other = await holder(path)
    assert.deepEqual(await acquireLock(path), { held: false, pid: other.pid })
    await other.kill('SIGKILL')
    assert.equal((await readdir(path)).length, 1, 'the dead process left its socket')
    const lock = await acquireLock(path)
    assert.ok(lock.held)
    assert.equal((await readdir(path)).length, 1, 'and it was removed')
    await lock.release()
  })

  it('counts a stopped process as alive', async () => {
    const other = await holder(path)
    process.kill(other.pid, 'SIGSTOP')
    try {
      assert.deepEqual(await acquireLock(path), { held: false, pid: other.pid })
    } finally {
      await other.kill('SIGKILL')
    }
  })

  it('goes to exactly one of many that want it at once', async () => {
    const locks = await Promise.all(Array.from({ length: 20 }, () => acquireLock(path)))
    assert.equal(locks.filter(lock => lock.held).length, 1)
    for (const lock of locks) if (lock.held) await lock.release()
  })

  it('works under a path that is too long for a unix socket', async function () {
    if (process.platform !== 'linux') {
      Object.assign(this.currentTest ?? this.test ?? {}, { skipReason: 'Linux: reads /proc' })
      this.skip()
    }
    const long = join(directory, 'x'.repeat(120), 'lock')
    await mkdir(join(directory, 'x'.repeat(120)))
    const first = await acquireLock(long)
    assert.ok(first.held)
    assert.deepEqual(await acquireLock(long), { held: false, pid: process.pid })
    await first.release()
  })

  it('does not mind files of others in its directory', async () => {
    await mkdir(path, { mode: 0o700 })
    await writeFile(join(path, 'notes.txt'), '')
    await writeFile(join(path, 'held-1-0123456789abcdef.sock'), 'not a socket')
    const lock = await acquireLock(path)
    assert.ok(lock.held)
    await lock.release()
    assert.deepEqual(await readdir(path), ['notes.txt'])
  })
})
