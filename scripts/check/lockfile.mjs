import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packages.mjs'

/** The lockfile names no registry, and only packages that are known to need one run an install script. */
export function checkLockfile() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const problems = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (/^https?:/.test(entry.resolved ?? ''))
      problems.push(`package-lock.json: ${path} names a registry (see .npmrc)`)
    const name = path.replace(/^.*node_modules\//, '')
    if (entry.hasInstallScript === true && !(name in allowScripts))
      problems.push(`package-lock.json: ${name} wants an install script; decide it in allowScripts`)
  }
  return problems
}
