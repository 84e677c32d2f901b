import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Runs a module in a process and a network namespace of its own, so that nothing touches the
 * machine's network: as root, or as anybody in a user namespace of their own.
 *
 * @returns what it has sent; or, as text, why this machine does not allow it
 */
export async function inNamespace<T>(module: string, options: unknown): Promise<T[] | string> {
  const unshare = process.getuid?.() === 0 ? ['-n'] : ['-U', '-r', '-n']
  const probe = spawnSync('unshare', [...unshare, 'true'], { encoding: 'utf8' })
  if (probe.status !== 0) {
    return `no network namespace: ${probe.error?.message ?? probe.stderr.trim()}`
  }
  const path = fileURLToPath(new URL(module, import.meta.url))
  const child = fork(path, [JSON.stringify(options)], {
    execPath: 'unshare',
    execArgv: [...unshare, process.execPath],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
  })
  let complaint = ''
  child.stderr?.on('data', piece => (complaint += String(piece)))
  const results: T[] = []
  child.on('message', message => results.push(message as T))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return results
  return complaint.split('\n').find(line => /Error/.test(line)) ?? complaint.trim()
}
