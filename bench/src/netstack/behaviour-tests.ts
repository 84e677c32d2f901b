import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Behaviour } from './behaviours.ts'

/** How a test ended. */
export type Outcome = 'passed' | 'failed' | 'skipped'

/** A behaviour, and how the tests that show it ended. */
export interface ShownBehaviour {
  readonly behaviour: Behaviour
  readonly tests: ReadonlyMap<string, Outcome>
  /** Entries of `shownBy` that no test has: the table is out of date. */
  readonly missing: readonly string[]
}

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const UNIT = 'packages/netstack/dist/test/**/*.spec.js'
const KERNEL = 'test/dist/netstack/**/*.spec.js'

/** Titles that tests of `test/netstack` begin with. */
const KERNEL_TITLE = /^our stack and the Linux kernel, in a network namespace /
const SCRIPT_TITLE = /^TCP scripts ([^:]+):.*$/

/** Runs netstack's tests and sorts them by behaviour. */
export async function showBehaviours(
  behaviours: readonly Behaviour[]
): Promise<readonly ShownBehaviour[]> {
  const outcomes = new Map([...(await runTests(UNIT)), ...(await runTests(KERNEL))])
  return behaviours.map(behaviour => {
    const tests = new Map<string, Outcome>()
    const missing: string[] = []
    for (const pattern of behaviour.shownBy) {
      const found = [...outcomes].filter(([title]) => matches(title, pattern))
      if (found.length === 0) missing.push(pattern)
      for (const [title, outcome] of found) tests.set(title, outcome)
    }
    return { behaviour, tests, missing }
  })
}

function matches(title: string, pattern: string): boolean {
  if (!pattern.startsWith('script: ')) return title.startsWith(pattern)
  const [before = '', after] = pattern.split('*')
  return after === undefined ? title === pattern : title.startsWith(before) && title.endsWith(after)
}

/** Full titles, as the table writes them, of the tests of some files. */
async function runTests(specs: string): Promise<Map<string, Outcome>> {
  const mocha = fileURLToPath(new URL('./node_modules/mocha/bin/mocha.js', `file://${ROOT}`))
  const child = spawn(
    process.execPath,
    ['--expose-gc', mocha, '--reporter', 'json', '--timeout', '120000', specs],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] }
  )
  let output = ''
  for await (const piece of child.stdout) output += String(piece)
  const outcomes = new Map<string, Outcome>()
  // Tests may print before the report, which is the last thing on the way out.
  const report = JSON.parse(output.slice(output.search(/^\{$/m))) as MochaReport
  for (const [tests, outcome] of [
    [report.passes, 'passed'],
    [report.failures, 'failed'],
    [report.pending, 'skipped']
  ] as const) {
    for (const { fullTitle } of tests) outcomes.set(shortTitle(fullTitle), outcome)
  }
  return outcomes
}

interface MochaReport {
  readonly passes: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string }[]
  readonly pending: readonly { readonly fullTitle: string }[]
}

function shortTitle(title: string): string {
  const script = SCRIPT_TITLE.exec(title)
  if (script !== null) return `script: ${script[1]}`
  return title.replace(KERNEL_TITLE, 'kernel: ')
}
