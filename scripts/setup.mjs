// Sets a fresh clone up: installs what the lockfile names (only when it changed), compiles, and
// removes compiled files whose source is gone (tsc never does, and mocha would go on running them).
// Runs on the host's own Node (20.19 or newer), before the repository's own Node is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `this repository is set up with Node 20.19 or newer; this is ${process.version}. Install a newer Node and try again.`
  )
}

install()
compile()
for (const project of projects()) prune(project)

function install() {
  const stamp = join(root, 'node_modules', '.warren-installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  process.stderr.write('installing dependencies (once for each change of the lockfile) …\n')
  run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'])
  writeFileSync(stamp, wanted)
}

function compile() {
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--build'])
}

/** Every folder that compiles into its own `dist`. */
function projects() {
  const packages = join(root, 'packages')
  return [
    ...readdirSync(packages).map(name => join(packages, name)),
    ...['test', 'bench', 'examples'].map(name => join(root, name))
  ]
}

/** Removes outputs in `project/dist` that no source stands behind any more. */
function prune(project) {
  const dist = join(project, 'dist')
  if (!existsSync(dist)) return
  for (const file of readdirSync(dist, { recursive: true })) {
    const match = /^(.*)\.(?:d\.ts|js)(?:\.map)?$/.exec(file)
    if (match === null || !statSync(join(dist, file)).isFile()) continue
    const source = join(project, match[1])
    if (!['.ts', '.tsx', '.js'].some(extension => existsSync(source + extension)))
      rmSync(join(dist, file))
  }
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (error !== undefined) fail(`cannot run ${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
