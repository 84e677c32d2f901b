import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDuration } from '../src/cli/duration.ts'
import { EXIT, EXIT_MEANING, EXIT_OF, exitCodeOf } from '../src/cli/exit-codes.ts'
import { describeSize, parseSize } from '../src/cli/size.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url))
const ROOT = new URL('../../../../', import.meta.url)

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs the command to its end. Its standard streams are pipes: nobody is at a terminal. */
function warren(args: readonly string[], home: string, input = ''): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { PATH: process.env['PATH'], HOME: home, WARREN_HOME: join(home, 'warren') }
    })
    let [out, err] = ['', '']
    child.stdout.on('data', chunk => (out += chunk))
    child.stderr.on('data', chunk => (err += chunk))
    child.on('error', reject)
    child.on('close', code => resolve({ code, out, err }))
    child.stdin.end(input)
  })
}

describe('the command', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'warren-cli-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  describe('help', () => {
    it('begins with examples, and goes to standard output', async () => {
      const { code, out, err } = await warren(['--help'], home)
      assert.deepEqual([code, err], [0, ''])
      assert.ok(out.indexOf('Examples:') < out.indexOf('Usage:'))
      for (const command of [
        'share',
        'open',
        'status',
        'ping',
        'why',
        'relay',
        'key',
        'ticket',
        'demo'
      ]) {
        assert.match(out, new RegExp(`^  ${command} `, 'm'))
      }
    })

    it('loads no network stack: what is loaded decides how long it takes', async () => {
      const hook = `import { registerHooks } from 'node:module'
        registerHooks({ load: (url, context, next) => (console.error(url), next(url, context)) })`
      const load = `data:text/javascript,${encodeURIComponent(hook)}`
      const child = spawn(process.execPath, ['--import', load, MAIN, '--help'])
      let loaded = ''
      child.stderr.on('data', chunk => (loaded += chunk))
      await new Promise(resolve => child.on('close', resolve))
      assert.match(loaded, /commander/)
      assert.doesNotMatch(loaded, /libp2p|packages\/(swarm|tunnel|gateway)\/|pino|uqr|valibot/)
    })

    it('of a command has its own examples', async () => {
      const { code, out } = await warren(['share', '--help'], home)
      assert.equal(code, 0)
      assert.match(out, /^Examples:\n  warren share 3000/)
      assert.equal((await warren(['help', 'share'], home)).out, out)
    })

    it('is shown as an error when nothing is asked for', async () => {
      const { code, out, err } = await warren([], home)
      assert.deepEqual([code, out], [EXIT.usage, ''])
      assert.match(err, /Usage: warren/)
    })

    it('has the exit codes', async () => {
      const { out } = await warren(['help', 'exit-codes'], home)
      for (const code of Object.values(EXIT)) assert.match(out, new RegExp(`^ +${code}  `, 'm'))
    })
  })

  it('prints its version', async () => {
    const manifest = await readFile(new URL('packages/warren/package.json', ROOT), 'utf8')
    const { version } = JSON.parse(manifest) as { version: string }
    assert.deepEqual(await warren(['--version'], home), { code: 0, out: `${version}\n`, err: '' })
  })

  it('suggests the right word for a typing error, and exits with 2', async () => {
    const { code, out, err } = await warren(['shrae', '3000'], home)
    assert.deepEqual([code, out], [EXIT.usage, ''])
    assert.match(err, /unknown command 'shrae'[\s\S]*Did you mean share\?/)
    assert.match((await warren(['share', '3000', '--expire', '1h'], home)).err, /--expires/)
    assert.match((await warren(['ticket', 'revok', 'x'], home)).err, /Did you mean revoke\?/)
  })

  it('refuses wrong arguments with 2', async () => {
    const cases = [
      ['share'],
      ['share', 'not a port'],
      ['share', '3000', '--expires', 'soon'],
      ['open'],
      ['open', 'warren:x', '--ticket-file', 'f'],
      ['open', 'x', '--timeout', '0'],
      ['key', 'everything'],
      ['demo', '--size', 'huge'],
      ['help', 'nothing']
    ]
    const ran = await Promise.all(cases.map(args => warren(args, home)))
    for (const [i, { code, out, err }] of ran.entries()) {
      assert.equal(code, EXIT.usage, `${cases[i]?.join(' ')}: ${err}`)
      assert.equal(out, '')
      assert.match(err, /^warren: /, cases[i]?.join(' '))
    }
  })
})

describe('exit codes', () => {
  it('are those of the table, for an error and for what caused it', () => {
    const coded = (code: string, cause?: unknown): Error =>
      Object.assign(new Error(code, { cause }), { code })
    assert.equal(exitCodeOf(coded('ERR_TICKET_EXPIRED')), 77)
    assert.equal(exitCodeOf(new Error('outer', { cause: coded('ERR_HOME_LOOSE') })), 78)
    assert.equal(exitCodeOf(coded('ERR_SESSION_DIAL', coded('ERR_DIAL_TIMEOUT'))), 124)
    assert.equal(exitCodeOf(coded('ERR_PEER_UNREACHABLE', coded('ERR_DIAL_TIMEOUT'))), 69)
    assert.equal(exitCodeOf(new Error('anything')), 1)
    assert.equal(exitCodeOf(coded('constructor')), 1)
    assert.equal(exitCodeOf('text'), 1)
  })

  it('are documented as they are: in the README and in docs/exit-codes.md', async () => {
    for (const file of ['packages/warren/README.md', 'docs/exit-codes.md']) {
      const text = await readFile(new URL(file, ROOT), 'utf8')
      const rows = [...text.matchAll(/^\| (\d+) \| (.+?) \|/gm)].map(([, code, words]) => [
        code,
        words
      ])
      const expected = Object.entries(EXIT).map(([name, code]) => [
        String(code),
        EXIT_MEANING[name as keyof typeof EXIT]
      ])
      assert.deepEqual(rows, expected, file)
    }
  })

  it('name in docs/exit-codes.md the error codes that lead to each', async () => {
    const text = await readFile(new URL('docs/exit-codes.md', ROOT), 'utf8')
    const rows = [...text.matchAll(/^\| (\d+) \| .+? \| (.*) \|$/gm)]
    for (const [, code, list] of rows) {
      const named = [...(list ?? '').matchAll(/`(ERR_\w+)`/g)].map(([, error]) => error ?? '')
      const mapped = Object.entries(EXIT_OF)
        .filter(([, name]) => EXIT[name] === Number(code))
        .map(([error]) => error)
      assert.deepEqual(new Set(named), new Set(mapped), `exit code ${code}`)
    }
  })

  it('are led to by error codes that exist', async () => {
    const known = new Set<string>()
    for (const name of await readdir(new URL('packages/', ROOT))) {
      for (const file of await filesOf(fileURLToPath(new URL(`packages/${name}/src/`, ROOT)))) {
        const text = await readFile(file, 'utf8')
        for (const [, code] of text.matchAll(/readonly code = '(ERR_\w+)'/g)) known.add(code ?? '')
      }
    }
    const unknown = Object.keys(EXIT_OF).filter(code => !known.has(code))
    assert.deepEqual(unknown, [])
  })
})

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true }).catch(() => [])
  return entries.filter(name => name.endsWith('.ts')).map(name => join(directory, name))
}

describe('durations and sizes', () => {
  it('are read with their units', () => {
    assert.deepEqual(
      ['30s', '90m', '24h', '7d', '2w', '1y', '15', '250ms', '1.5h'].map(t =>
        parseDuration(t, 'x')
      ),
      [30e3, 5_400e3, 86_400e3, 604_800e3, 1_209_600e3, 31_536_000e3, 15e3, 250, 5_400e3]
    )
    for (const text of ['', '0', '-1s', '1 fortnight', '1e9y', 'NaN']) {
      assert.throws(() => parseDuration(text, '--expires'), {
        code: 'ERR_USAGE',
        message: /--expires/
      })
    }
    assert.deepEqual(
      ['64M', '1GiB', '1024', '2k', '1.5 mb'].map(t => parseSize(t, 'x', 2 ** 40)),
      [67_108_864, 1_073_741_824, 1_024, 2_048, 1_572_864]
    )
    assert.throws(() => parseSize('2G', '--size', 2 ** 30), { code: 'ERR_USAGE' })
    assert.deepEqual([0, 1_023, 1_024, 64 * 2 ** 20, 2 ** 30].map(describeSize), [
      '0 B',
      '1023 B',
      '1.0 KiB',
      '64 MiB',
      '1.0 GiB'
    ])
  })
})
