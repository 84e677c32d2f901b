import assert from 'node:assert/strict'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { number, object } from 'valibot'
import { Collection } from '../src/state/collection.ts'
import { Home } from '../src/state/home.ts'
import { listenOnKeptPort } from '../src/state/kept-ports.ts'
import { stateDirectory } from '../src/state/paths.ts'
import { privateDirectory } from '../src/state/private-directory.ts'
import { readState, writeState } from '../src/state/state-file.ts'

const KIND = { kind: 'test', schema: object({ n: number() }) }

describe('state directory', () => {
  let directory: string
  let damage: string[]
  const onDamage = (message: string): void => void damage.push(message)

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'warren-state-'))
    damage = []
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  describe('where it is', () => {
    it('is --home before WARREN_HOME before XDG before the home directory', () => {
      const env = { WARREN_HOME: '/w', XDG_STATE_HOME: '/x' }
      assert.equal(stateDirectory('/h', env), '/h')
      assert.equal(stateDirectory(undefined, env), '/w')
      assert.equal(stateDirectory(undefined, { XDG_STATE_HOME: '/x' }), '/x/warren')
      assert.match(stateDirectory(undefined, {}), /\.local\/state\/warren$/)
    })

    it('ignores a relative XDG_STATE_HOME, as its specification asks', () => {
      assert.match(stateDirectory(undefined, { XDG_STATE_HOME: 'x' }), /\.local\/state\/warren$/)
    })
  })

  describe('permissions', () => {
    it('makes directories 0700 and files 0600', async () => {
      const home = await Home.open(join(directory, 'a', 'b'), onDamage)
      await home.ticketKey()
      await (await home.identity()).release()
      assert.equal((await stat(home.path)).mode & 0o777, 0o700)
      for (const file of ['identity.key', 'ticket-key.json']) {
        assert.equal((await stat(join(home.path, file))).mode & 0o777, 0o600, file)
      }
    })

    it('closes an empty directory that others may enter', async () => {
      const path = join(directory, 'made-with-mkdir')
      await mkdir(path)
      await chmod(path, 0o755)
      await privateDirectory(path)
      assert.equal((await stat(path)).mode & 0o777, 0o700)
    })

    it('refuses a directory with content that others may enter, and says what to do', async () => {
      await writeFile(join(directory, 'x'), '')
      await chmod(directory, 0o755)
      await assert.rejects(Home.open(directory, onDamage), {
        code: 'ERR_HOME_LOOSE',
        message: new RegExp(`chmod 700 ${directory}`)
      })
    })

    it('refuses a key that others may read, and one behind a symbolic link', async () => {
      const home = await Home.open(directory, onDamage)
      await home.peerId()
      await chmod(home.identityPath, 0o640)
      await assert.rejects(home.peerId(), { code: 'ERR_HOME_LOOSE', message: /chmod 600/ })
      await rm(home.identityPath)
      await writeFile(join(directory, 'elsewhere'), '', { mode: 0o600 })
      await symlink(join(directory, 'elsewhere'), home.identityPath)
      await assert.rejects(home.peerId(), { code: 'ERR_HOME_LOOSE', message: /plain file/ })
    })
  })

  describe('a state file', () => {
    it('gives back what was written, and leaves no temporary file', async () => {
      const path = join(directory, 'f.json')
      await writeState(path, KIND, { n: 7 })
      assert.deepEqual(await readState(path, KIND, onDamage), { n: 7 })
      assert.deepEqual(await readdir(directory), ['f.json'])
    })

    it('is put aside when it is cut short anywhere, and never half read', async () => {
      const path = join(directory, 'f.json')
      await writeState(path, KIND, { n: 1234567 })
      const whole = await readFile(path)
      // The last byte is the newline, which says nothing.
      for (let length = 0; length < whole.length - 1; length++) {
        await writeFile(path, whole.subarray(0, length), { mode: 0o600 })
        assert.equal(await readState(path, KIND, onDamage), undefined, `${length} bytes`)
        assert.equal(damage.length, length + 1)
      }
      assert.match(damage[0] ?? '', /is damaged .* kept as .*\.bad-/)
    })

    it('is put aside when any bit of its data is flipped', async () => {
      const path = join(directory, 'f.json')
      await writeState(path, KIND, { n: 1234567 })
      const whole = await readFile(path)
      const digits = whole.indexOf('1234567')
      for (let bit = 0; bit < 7 * 8; bit++) {
        const flipped = Buffer.from(whole)
        const at = digits + (bit >> 3)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
        await writeFile(path, flipped, { mode: 0o600 })
        assert.equal(await readState(path, KIND, onDamage), undefined, `bit ${bit}`)
      }
    })

    it('keeps the damaged file', async () => {
      const path = join(directory, 'f.json')
      await writeFile(path, 'rubbish', { mode: 0o600 })
      await readState(path, KIND, onDamage)
      const [aside] = await readdir(directory)
      assert.match(aside ?? '', /^f\.json\.bad-/)
      assert.equal(await readFile(join(directory, aside ?? ''), 'utf8'), 'rubbish')
    })

    it('of a newer Warren is refused and left alone', async () => {
      const path = join(directory, 'f.json')
      await writeFile(path, '{"warren":2,"kind":"test"}', { mode: 0o600 })
      await assert.rejects(readState(path, KIND, onDamage), { code: 'ERR_STATE_TOO_NEW' })
      assert.deepEqual(await readdir(directory), ['f.json'])
    })

    it('written exclusively keeps the first', async () => {
      const path = join(directory, 'f.json')
      const wrote = await Promise.all(
        [1, 2, 3, 4].map(n => writeState(path, KIND, { n }, { exclusive: true }))
      )
      assert.equal(wrote.filter(Boolean).length, 1)
      assert.deepEqual(await readState(path, KIND, onDamage), { n: wrote.indexOf(true) + 1 })
      assert.deepEqual(await readdir(directory), ['f.json'])
    })
  })

  describe('a collection', () => {
    it('keeps any key, also ones that are no file names', async () => {
      const records = new Collection(join(directory, 'c'), 'r', object({ n: number() }), onDamage)
      const keys = ['plain', '../../etc/passwd', 'UPPER', 'upper', 'ü/ö', '.', 'x'.repeat(255)]
      for (const [n, key] of keys.entries()) await records.put(key, { n })
      for (const [n, key] of keys.entries()) assert.deepEqual(await records.get(key), { n }, key)
      assert.deepEqual(
        (await records.entries()).map(([key]) => key),
        [...keys].sort()
      )
      assert.deepEqual(await readdir(directory), ['c'])
    })

    it('loses only the record that is damaged', async () => {
      const records = new Collection(join(directory, 'c'), 'r', object({ n: number() }), onDamage)
      await records.put('a', { n: 1 })
      await records.put('b', { n: 2 })
      await writeFile(join(directory, 'c', 'a.json'), '{', { mode: 0o600 })
      assert.deepEqual(await records.entries(), [['b', { n: 2 }]])
      assert.equal(damage.length, 1)
    })

    it('still mentions a record that is damaged: a revocation must not get lost', async () => {
      const home = await Home.open(directory, onDamage)
      const id = '0123456789abcdef0123456789abcdef'
      await home.revoked.put(id, { at: 1, expires: null })
      await writeFile(join(directory, 'revoked', `${id}.json`), '', { mode: 0o600 })
      assert.equal(await home.revoked.get(id), undefined)
      assert.equal(await home.revoked.mentions(id), true)
      assert.equal(await home.revoked.mentions(id.replace('0', '1')), false)
    })
  })

  describe('identity', () => {
    it('is the same the next time, and the one `key` shows', async () => {
      const home = await Home.open(directory, onDamage)
      const first = await home.identity()
      await first.release()
      const second = await home.identity()
      await second.release()
      assert.equal(first.kept, true)
      assert.ok(first.privateKey.equals(second.privateKey))
      assert.equal(second.privateKey.publicKey.toString(), await home.peerId())
    })

    it('is ephemeral for the second user, which learns who has the kept one', async () => {
      const home = await Home.open(directory, onDamage)
      const first = await home.identity()
      const second = await home.identity()
      assert.deepEqual([first.kept, second.kept], [true, false])
      assert.equal(second.heldBy, process.pid)
      assert.ok(!first.privateKey.equals(second.privateKey))
      await first.release()
      const third = await home.identity()
      assert.ok(third.privateKey.equals(first.privateKey))
      await third.release()
    })

    it('that was damaged is put aside and made anew, and that is said', async () => {
      const home = await Home.open(directory, onDamage)
      const before = await home.peerId()
      const key = await readFile(home.identityPath)
      // A bit in the seed: still a key in form, but its halves do not belong together.
      key[10] = (key[10] ?? 0) ^ 1
      await writeFile(home.identityPath, key)
      const after = await home.peerId()
      assert.notEqual(after, before)
      assert.match(damage.join(), /new peer id, and tickets issued by the old one end/)
      assert.equal(await home.peerId(), after)
    })

    it('and the keys are made once, whoever asks first', async () => {
      const home = await Home.open(directory, onDamage)
      const keys = await Promise.all([1, 2, 3, 4, 5].map(() => home.ticketKey()))
      assert.equal(new Set(keys.map(key => Buffer.from(key).toString('hex'))).size, 1)
      const peers = await Promise.all([1, 2, 3, 4, 5].map(() => home.peerId()))
      assert.equal(new Set(peers).size, 1)
    })
  })

  describe('kept ports', () => {
    const inUse = Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
    const taken = (error: unknown): boolean => error === inUse

    it('gives the same port again, and a second user another one that is kept too', async () => {
      const home = await Home.open(directory, onDamage)
      let next = 1000
      const busy = new Set<number>()
      const listen = async (port: number): Promise<number> => {
        if (busy.has(port)) throw inUse
        const got = port === 0 ? ++next : port
        busy.add(got)
        return got
      }
      const use = (): Promise<number> => listenOnKeptPort(home, 'share/x', listen, taken)
      const first = await use()
      const second = await use()
      assert.notEqual(first, second)
      busy.clear()
      assert.deepEqual([await use(), await use()], [first, second])
    })

    it('passes on every other error', async () => {
      const home = await Home.open(directory, onDamage)
      const broken = new Error('broken')
      const listen = (): Promise<number> => Promise.reject(broken)
      await assert.rejects(listenOnKeptPort(home, 'x', listen, taken), broken)
    })
  })
})
