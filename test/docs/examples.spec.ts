import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, runExample } from './example.ts'

const examples = join(ROOT, 'examples')

describe('examples', () => {
  const names = readdirSync(examples).filter(name => name.endsWith('.ts'))

  for (const name of names) {
    it(`${name}: runs as it stands and prints what it says`, async () => {
      const file = join(examples, name)
      await runExample(file, readFileSync(file, 'utf8'))
    })
  }

  it('are all in their README', () => {
    const readme = readFileSync(join(examples, 'README.md'), 'utf8')
    const listed = [...readme.matchAll(/\]\((.*?\.ts)\)/g)].map(match => match[1])
    assert.deepEqual(new Set(listed), new Set(names))
  })
})
