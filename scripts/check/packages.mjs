import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** From the bottom up: a package imports only from those before it. */
export const LAYERS = [
  'interface',
  'utils',
  'netstack',
  'transport-tcp',
  'transport-netstack',
  'yamux',
  'noise',
  'upgrader',
  'swarm',
  'tunnel',
  'netchan',
  'tun',
  'gateway',
  'warren'
]

/** Every package with its manifest, README and sources. */
export function packages() {
  return readdirSync(join(root, 'packages'))
    .filter(name => existsSync(join(root, 'packages', name, 'package.json')))
    .map(folder => {
      const path = join(root, 'packages', folder)
      const readme = join(path, 'README.md')
      return {
        folder,
        path,
        manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')),
        tsconfig: JSON.parse(readFileSync(join(path, 'tsconfig.json'), 'utf8')),
        readme: existsSync(readme) ? readFileSync(readme, 'utf8') : undefined,
        sources: files(join(path, 'src'), '.ts'),
        declarations: files(join(path, 'dist', 'src'), '.d.ts')
      }
    })
}

function files(folder, extension) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith(extension))
    .map(file => ({
      path: join(folder, file),
      name: relative(root, join(folder, file)),
      text: readFileSync(join(folder, file), 'utf8')
    }))
}

/** Source text without comments, line for line. */
export function withoutComments(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, match => match.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

/** Module names that a source imports from. */
export function imports(text) {
  const code = withoutComments(text)
  return [
    /^(?:import|export)\s[^'"`;]*?from\s*'([^']+)'/gm,
    /^import\s+'([^']+)'/gm,
    /\bimport\(\s*'([^']+)'/g
  ].flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1]))
}

/** The rows of the markdown table under a heading, as arrays of cells. */
export function tableUnder(readme, heading) {
  const section = new RegExp(`^##+ ${heading}\\s*$([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(
    readme
  )
  if (section === null) return undefined
  return section[1]
    .split('\n')
    .filter(line => line.startsWith('|'))
    .slice(2)
    .map(line => line.replace(/^\|\s*|\s*\|$/g, '').split(/\s*(?<!\\)\|\s*/))
}
