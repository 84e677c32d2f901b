import { spawnSync } from 'node:child_process'
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { skip } from '../support/skip.ts'
import { ROOT, runExample } from './example.ts'

const packages = join(ROOT, 'packages')
// Inside the test project, so that package names resolve as they do for a user.
const scratch = join(ROOT, 'test', '.cache', 'readme')

/** The first TypeScript block under "## Example". */
function example(readme: string): string | undefined {
  return /^## Example\s[\s\S]*?^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1]
}

/** For an example that makes network interfaces: it has a network to itself. */
function namespace(context: Context): readonly string[] {
  const launcher = ['unshare', '--user', '--map-root-user', '--net']
  const [command, ...args] = [...launcher, 'test', '-r', '/dev/net/tun']
  const { status } = spawnSync(command, args)
  if (status !== 0) skip(context, 'a network namespace of our own (unshare), and /dev/net/tun')
  return launcher
}

describe('README examples', () => {
  before(() => mkdirSync(scratch, { recursive: true }))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  const sources = [
    { name: 'README.md', path: join(ROOT, 'README.md') },
    ...readdirSync(packages).map(name => ({ name, path: join(packages, name, 'README.md') }))
  ]
  for (const { name, path } of sources) {
    it(`${name}: runs as it stands and prints what it says`, async function () {
      const launcher = name === 'tun' ? namespace(this) : []
      const code = example(readFileSync(path, 'utf8'))
      assert.ok(code !== undefined, 'no ```ts block under "## Example"')
      const file = join(scratch, `readme-${name.replace(/\W/g, '-')}.ts`)
      writeFileSync(file, code)
      await runExample(file, code, launcher)
    })
  }
})
