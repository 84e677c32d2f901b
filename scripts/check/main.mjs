// Checks what reading cannot keep: package rules, documentation of exports, options tables against
// DEFAULTS, error tables against the classes, dependencies against their page, and the lockfile.
// `node scripts/check/main.mjs --write` renews docs/errors.md.
import { checkDependencies } from './dependencies.mjs'
import { checkDocs } from './docs.mjs'
import { checkErrors } from './errors.mjs'
import { checkLockfile } from './lockfile.mjs'
import { checkOptions } from './options.mjs'
import { packages } from './packages.mjs'
import { checkRules } from './rules.mjs'

const write = process.argv.includes('--write')
const all = packages()
let problems = 0

const CHECKS = {
  'package rules': checkRules,
  'documentation of exports': checkDocs,
  'options tables': checkOptions,
  'error tables': checkErrors,
  'runtime dependencies': checkDependencies,
  lockfile: checkLockfile
}

for (const [name, check] of Object.entries(CHECKS)) {
  const found = await check(all, { write })
  problems += found.length
  process.stdout.write(`${found.length === 0 ? '✔' : '✘'} ${name}\n`)
  for (const problem of found) process.stdout.write(`    ${problem}\n`)
}
process.exit(problems === 0 ? 0 : 1)
