import { readFileSync, readdirSync } from 'node:fs'
import { parseScript } from '../support/script-parser.ts'
import { ScriptRunner } from '../support/script-runner.ts'

// The scripts are data, beside the compiled specs' sources.
const folder = new URL('../../../test/scripts/', import.meta.url)

describe('TCP scripts', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const file of files.filter(name => name.endsWith('.script')).sort()) {
    const script = parseScript(readFileSync(new URL(file, folder), 'utf8'))
    it(`${file.replace('.script', '')}: ${script.title}`, () => {
      new ScriptRunner(script).run(script.steps)
    })
  }
})
