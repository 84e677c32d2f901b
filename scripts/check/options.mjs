import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { tableUnder } from './packages.mjs'

/** The options table of each README equals the package's DEFAULTS. */
export async function checkOptions(all) {
  const problems = []
  for (const { folder, path, readme } of all) {
    const compiled = join(path, 'dist', 'src', 'defaults.js')
    if (!existsSync(join(path, 'src', 'defaults.ts')) || readme === undefined) continue
    const say = text => problems.push(`packages/${folder}/README.md: ${text}`)
    const rows = tableUnder(readme, 'Options') ?? []
    const { DEFAULTS } = await import(pathToFileURL(compiled).href)
    if (DEFAULTS === undefined) {
      problems.push(`packages/${folder}/src/defaults.ts: does not export DEFAULTS`)
      continue
    }
    const told = new Map(
      rows.map(([option, value]) => [option.replaceAll('`', ''), /^`(.*)`$/.exec(value ?? '')?.[1]])
    )
    const real = flatten(DEFAULTS)
    for (const [option, value] of real) {
      if (!told.has(option)) say(`the options table lacks ${option} (default ${value})`)
      else if (
        told.get(option) !== value &&
        !(value === undefined && told.get(option) === undefined)
      ) {
        say(`says the default of ${option} is ${told.get(option)}; DEFAULTS says ${value}`)
      }
    }
    for (const [option, value] of told) {
      if (value !== undefined && !real.has(option))
        say(`names a default for ${option}, which DEFAULTS does not have`)
    }
  }
  return problems
}

function flatten(object, prefix = '', into = new Map()) {
  for (const [key, value] of Object.entries(object)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      flatten(value, `${prefix}${key}.`, into)
    else into.set(prefix + key, value === undefined ? undefined : JSON.stringify(value))
  }
  return into
}
