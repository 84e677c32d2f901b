import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const packages = join(root, 'packages')
// Inside the test project, so that package names resolve as they do for a user.
const scratch = join(root, 'test', '.cache', 'readme')

/** The first TypeScript block under "## Example". */
function example(readme: string): string | undefined {
  return /^## Example\s[\s\S]*?^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1]
}

/** The output that the example promises, in comments `//=> text`. */
function promised(code: string): string[] {
  return [...code.matchAll(/\/\/=> (.*)$/gm)].map(match => match[1] ?? '')
}

describe('README examples', () => {
  before(() => mkdirSync(scratch, { recursive: true }))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  const sources = [
    { name: 'README.md', path: join(root, 'README.md') },
    ...readdirSync(packages).map(name => ({ name, path: join(packages, name, 'README.md') }))
  ]
  for (const { name, path } of sources) {
    it(`${name}: runs as it stands and prints what it says`, async () => {
      const code = example(readFileSync(path, 'utf8'))
      assert.ok(code !== undefined, 'no ```ts block under "## Example"')
      const lines = promised(code)
      assert.ok(
        lines.length > 0,
        'the example promises no output (//=> text), so nothing shows that it works'
      )
      const file = join(scratch, `readme-${name.replace(/\W/g, '-')}.ts`)
      writeFileSync(file, code)
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', file], {
        timeout: 30_000
      })
      let at = 0
      for (const line of lines) {
        const found = stdout.indexOf(line, at)
        assert.ok(found >= 0, `expected ${JSON.stringify(line)} in:\n${stdout}`)
        at = found + line.length
      }
    })
  }
})
