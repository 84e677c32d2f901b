import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './packages.mjs'

/** Each runtime dependency has its line of reason in docs/dependencies.md, and no line is left over. */
export function checkDependencies(all) {
  const page = join(root, 'docs', 'dependencies.md')
  if (!existsSync(page)) return ['docs/dependencies.md is missing']
  const text = readFileSync(page, 'utf8')
  const told = new Set([...text.matchAll(/^\| `([^`]+)`/gm)].map(match => match[1]))
  const real = new Set(
    all.flatMap(({ manifest }) =>
      Object.keys({
        ...manifest.dependencies,
        ...manifest.optionalDependencies,
        ...manifest.peerDependencies
      }).filter(name => !name.startsWith('@warren/'))
    )
  )
  return [
    ...[...real]
      .filter(name => !told.has(name))
      .map(name => `docs/dependencies.md has no line for ${name}`),
    ...[...told]
      .filter(name => !real.has(name))
      .map(name => `docs/dependencies.md has a line for ${name}, which no package depends on`)
  ]
}
