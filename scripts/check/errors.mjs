import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, tableUnder } from './packages.mjs'

const PAGE = join(root, 'docs', 'errors.md')

/** The error table of each README equals the package's classes; docs/errors.md holds them all. */
export function checkErrors(all, { write }) {
  const problems = []
  const rows = []
  for (const { manifest, folder, readme, sources } of all) {
    const inSource = new Map(
      sources.flatMap(file =>
        [
          ...file.text.matchAll(/class\s+(\w+)[^{]*\{[^}]*?readonly code(?::[^=]+)? = '(ERR_\w+)'/g)
        ].map(([, name, code]) => [code, name])
      )
    )
    const literal = new Set(
      sources.flatMap(file =>
        [...file.text.matchAll(/readonly code(?::[^=]+)? = '(ERR_\w+)'/g)].map(match => match[1])
      )
    )
    const table = (readme === undefined ? undefined : tableUnder(readme, 'Errors')) ?? []
    const told = new Map(
      table.map(([code, name, when]) => [
        code.replaceAll('`', ''),
        { name: name?.replaceAll('`', ''), when }
      ])
    )
    for (const code of literal) {
      if (!told.has(code))
        problems.push(`packages/${folder}/README.md: the error table lacks ${code}`)
      else if (inSource.has(code) && told.get(code).name !== inSource.get(code)) {
        problems.push(
          `packages/${folder}/README.md: ${code} is the code of ${inSource.get(code)}, not of ${told.get(code).name}`
        )
      }
    }
    for (const [code, { name, when }] of told) {
      if (!literal.has(code))
        problems.push(
          `packages/${folder}/README.md: the error table names ${code}, which no class has`
        )
      rows.push(`| \`${code}\` | \`${name}\` | \`${manifest.name}\` | ${when ?? ''} |`)
    }
  }
  const codes = rows.map(row => row.split('`')[1])
  for (const code of new Set(codes.filter((code, i) => codes.indexOf(code) !== i)))
    problems.push(`${code} is the code of two classes`)
  const page = `# Errors

Every error of Warren is a class with a stable \`code\`; match the code, never the message. This page is made from the
packages' READMEs by \`node scripts/check/main.mjs --write\` and checked against the source by \`npm test\`.

| code | class | package | thrown when |
|---|---|---|---|
${rows.sort().join('\n')}
`
  if (write) writeFileSync(PAGE, page)
  else if (!existsSync(PAGE) || readFileSync(PAGE, 'utf8') !== page)
    problems.push('docs/errors.md is not up to date: node scripts/check/main.mjs --write')
  return problems
}
