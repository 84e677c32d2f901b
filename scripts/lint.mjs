// Formatting (biome) and type-aware lint (oxlint) over everything; fails on the first red.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = name => join(root, 'node_modules', '.bin', name)

for (const [name, args] of [
  ['biome', ['format', '.']],
  ['oxlint', ['--type-aware', '--deny-warnings', '.']]
]) {
  const { status, error } = spawnSync(bin(name), args, { cwd: root, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
