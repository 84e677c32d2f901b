import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LAYERS, imports } from './packages.mjs'

const SECTIONS = ['Example', 'Errors', 'Options']

/** Layering, `exports`, references and the files every package must have. */
export function checkRules(all) {
  const problems = []
  for (const { folder, path, manifest, tsconfig, readme, sources } of all) {
    const say = text => problems.push(`packages/${folder}: ${text}`)
    const layer = LAYERS.indexOf(folder)
    if (layer < 0) say('is not in LAYERS (scripts/check/packages.mjs)')
    if (readme === undefined) say('has no README.md')
    else {
      const wanted = SECTIONS.filter(
        section =>
          section === 'Example' ||
          (section === 'Errors' && sources.some(file => /readonly code = 'ERR_/.test(file.text))) ||
          (section === 'Options' && existsSync(join(path, 'src', 'defaults.ts')))
      )
      for (const section of wanted)
        if (!readme.includes(`\n## ${section}`)) say(`README.md has no "## ${section}"`)
    }
    if (!existsSync(join(path, 'test'))) say('has no test folder')
    const keys = Object.keys(manifest.exports ?? {}).filter(
      key => key !== '.' && key !== './package.json'
    )
    if (manifest.exports?.['.'] === undefined || keys.length > 0)
      say('package.json must export "." and nothing else')

    const own = Object.keys(manifest.dependencies ?? {}).filter(name => name.startsWith('@warren/'))
    // Tests may use packages that the sources do not.
    const tested = Object.keys(manifest.devDependencies ?? {})
    const referenced = (tsconfig.references ?? [])
      .map(({ path }) => path)
      .filter(p => p.startsWith('../'))
      .map(p => `@warren/${p.slice(3)}`)
    for (const name of own)
      if (!referenced.includes(name))
        say(`depends on ${name} but tsconfig.json does not reference it`)
    for (const name of referenced)
      if (!own.includes(name) && !tested.includes(name))
        say(`tsconfig.json references ${name}, which package.json does not depend on`)

    for (const file of sources) {
      for (const module of imports(file.text)) {
        if (module.startsWith('node:')) continue
        if (module.startsWith('.')) {
          if (!join(file.path, '..', module).startsWith(path))
            problems.push(`${file.name}: reaches out of its package: ${module}`)
          continue
        }
        const name = module.startsWith('@')
          ? module.split('/').slice(0, 2).join('/')
          : module.split('/')[0]
        const declared =
          manifest.dependencies?.[name] ??
          manifest.optionalDependencies?.[name] ??
          manifest.peerDependencies?.[name]
        if (declared === undefined)
          problems.push(`${file.name}: imports ${name}, which package.json does not name`)
        if (name.startsWith('@warren/')) {
          if (module !== name) problems.push(`${file.name}: deep import ${module}`)
          if (LAYERS.indexOf(name.slice('@warren/'.length)) >= layer)
            problems.push(`${file.name}: imports ${name}, which is not below it`)
        }
      }
    }
    const used = new Set(
      sources
        .flatMap(file => imports(file.text))
        .map(m => (m.startsWith('@') ? m.split('/').slice(0, 2).join('/') : m.split('/')[0]))
    )
    const generated = existsSync(join(path, 'proto'))
      ? ['protons-runtime', 'uint8arraylist', 'uint8arrays']
      : []
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      if (!used.has(name) && !generated.includes(name))
        say(`depends on ${name} and never imports it`)
    }
  }
  return problems
}
