// Runs the whole test suite, or the groups named: `npm test`, `npm test -- unit interop`.
// Each group is a mocha process of its own; the last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Groups in the order they run: quick ones first, so that a mistake shows early. */
const GROUPS = [
  { name: 'check', about: 'docs, options and error tables, exports, dependencies' },
  { name: 'unit', specs: 'packages/*/dist/test/**/*.spec.js', timeout: 10_000 },
  ...[
    ['support', 30_000],
    ['docs', 60_000],
    ['compliance', 60_000],
    ['interop', 60_000],
    ['services', 60_000],
    ['integration', 120_000],
    ['scale', 600_000],
    ['cli', 180_000],
    ['faults', 300_000],
    ['hostile', 120_000],
    ['netstack', 120_000],
    ['browser', 120_000]
  ].map(([name, timeout]) => ({ name, specs: `test/dist/${name}/**/*.spec.js`, timeout }))
]

const asked = process.argv.slice(2)
const unknown = asked.filter(name => !GROUPS.some(group => group.name === name))
if (unknown.length > 0) {
  process.stderr.write(
    `no test group "${unknown.join('", "')}"; there are: ${GROUPS.map(g => g.name).join(', ')}\n`
  )
  process.exit(2)
}
const bail = process.env.CI !== undefined
const totals = { passed: 0, failed: 0, skipped: 0 }

for (const group of GROUPS) {
  if (asked.length > 0 && !asked.includes(group.name)) continue
  if (group.specs !== undefined && !hasSpecs(group)) continue
  process.stdout.write(`\n── ${group.name} ──\n`)
  add(group.specs === undefined ? runCheck() : runMocha(group))
  if (bail && totals.failed > 0) break
}

const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed${skipped}\n`)
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0)

function hasSpecs(group) {
  return (
    group.name === 'unit' ||
    (existsSync(join(root, 'test', 'dist', group.name)) &&
      readdirSync(join(root, 'test', 'dist', group.name), { recursive: true }).some(f =>
        f.endsWith('.spec.js')
      ))
  )
}

function runMocha({ specs, timeout }) {
  const folder = mkdtempSync(join(tmpdir(), 'warren-test-'))
  const report = join(folder, 'counts.json')
  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--enable-source-maps',
      '--forbid-only',
      '--timeout',
      String(timeout),
      '--reporter',
      join(root, 'test', 'support', 'reporter.cjs'),
      '--reporter-option',
      `report=${report}`,
      '--require',
      join(root, 'test', 'support', 'guards.mjs'),
      ...(bail ? ['--bail'] : []),
      specs
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }
  )
  const counts = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 }
  rmSync(folder, { recursive: true, force: true })
  if ((status !== 0 || signal !== null) && counts.failed === 0) {
    process.stdout.write(`the test process ended with ${signal ?? `code ${status}`}\n`)
    counts.failed = 1
  }
  return counts
}

function runCheck() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'check', 'main.mjs')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit']
  })
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
}

function add(counts) {
  for (const key of Object.keys(totals)) totals[key] += counts[key]
}
