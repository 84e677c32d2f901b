import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The top of the repository. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** Milliseconds that an example may take. */
const TIMEOUT = 30_000

/** The output that an example promises, in comments `//=> text`. */
function promised(code: string): string[] {
  return [...code.matchAll(/\/\/=> (.*)$/gm)].map(match => match[1] ?? '')
}

/**
 * Runs the TypeScript file, whose text is `code`, as it stands. It must end with 0, and print what
 * it promises in that order.
 *
 * @param launcher - a command, with its arguments, that runs Node
 */
export async function runExample(
  file: string,
  code: string,
  launcher: readonly string[] = []
): Promise<void> {
  const lines = promised(code)
  assert.ok(
    lines.length > 0,
    'the example promises no output (//=> text), so nothing shows that it works'
  )
  const [command, ...args] = [...launcher, process.execPath, '--no-warnings', file]
  const { stdout } = await promisify(execFile)(command, args, { timeout: TIMEOUT })
  let at = 0
  for (const line of lines) {
    const found = stdout.indexOf(line, at)
    assert.ok(found >= 0, `expected ${JSON.stringify(line)} in:\n${stdout}`)
    at = found + line.length
  }
}
