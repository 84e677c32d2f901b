import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withoutComments } from './packages.mjs'

/** Every exported name has a doc comment, and no emitted declaration says `any`. */
export function checkDocs(all) {
  const problems = []
  for (const { folder, path, sources, declarations } of all) {
    const index = sources.find(file => file.path === join(path, 'src', 'index.ts'))
    if (index === undefined) {
      problems.push(`packages/${folder}: has no src/index.ts`)
      continue
    }
    if (/^export \* /m.test(index.text))
      problems.push(`${index.name}: export * hides what is public`)
    for (const [, names, module] of index.text.matchAll(
      /export\s+(?:type\s+)?\{([^}]*)\}\s+from\s+'(\.[^']+)'/g
    )) {
      const file = join(path, 'src', module)
      const text = readFileSync(file, 'utf8')
      for (const entry of names
        .split(',')
        .map(name => name.trim())
        .filter(Boolean)) {
        const name = entry.replace(/^type\s+/, '').split(/\s+as\s+/)[0]
        if (!documented(text, name))
          problems.push(
            `packages/${folder}/src/${module.slice(2)}: ${name} is exported without a doc comment`
          )
      }
    }
    for (const [, name] of index.text.matchAll(
      /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:class|function|const|interface|type)\s+(\w+)/gm
    )) {
      if (!documented(index.text, name))
        problems.push(`${index.name}: ${name} is exported without a doc comment`)
    }
    for (const file of declarations) {
      const line = withoutComments(file.text)
        .split('\n')
        .find(text => /(?<![\w.'"-])any(?![\w'"-])/.test(text))
      if (line !== undefined) problems.push(`${file.name}: says any: ${line.trim()}`)
    }
  }
  return problems
}

/** Is the declaration of `name` (the first of its overloads) preceded by a doc comment? */
function documented(text, name) {
  const lines = text.split('\n')
  const at = lines.findIndex(line =>
    new RegExp(
      `^export\\s+(?:declare\\s+)?(?:abstract\\s+)?(?:async\\s+)?(?:class|function\\*?|const|interface|type)\\s+${name}\\b`
    ).test(line)
  )
  if (at < 0) return new RegExp(`^export .*\\b${name}\\b.* from '`, 'm').test(text)
  let before = at - 1
  while (before >= 0 && (lines[before].trim() === '' || lines[before].startsWith('// '))) before--
  return lines[before]?.trim().endsWith('*/') ?? false
}
