import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stopProcess, track } from '../harness/processes.ts'

const run = promisify(execFile)
const MODULE = 'github.com/nats-io/nats-server/v2@latest'

/** Milliseconds that building the server, and its start, may take. */
const BUILD_TIMEOUT = 300_000
const START_TIMEOUT = 10_000

/** A `nats-server` on loopback. */
export interface NatsServer {
  readonly port: string
  readonly version: string
  stop(): Promise<void>
}

/** The path of a `nats-server`: built once from its Go module, or why there is none. */
export async function findNatsServer(): Promise<{ path: string } | { missing: string }> {
  const installed = await run('nats-server', ['--version']).then(
    () => true,
    () => false
  )
  if (installed) return { path: 'nats-server' }
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'warren-bench')
  const path = join(folder, process.platform === 'win32' ? 'nats-server.exe' : 'nats-server')
  if (existsSync(path)) return { path }
  try {
    await mkdir(folder, { recursive: true })
    const env = { ...process.env, GOBIN: folder }
    await run('go', ['install', MODULE], { env, timeout: BUILD_TIMEOUT })
    return { path }
  } catch (error) {
    const why = (error as { code?: string }).code === 'ENOENT' ? 'there is no Go' : String(error)
    return { missing: `nats-server is not installed, and cannot be built: ${why.slice(0, 200)}` }
  }
}

/** Starts it on a free port. */
export async function startNatsServer(path: string): Promise<NatsServer> {
  const ports = await mkdtemp(join(tmpdir(), 'warren-nats-'))
  const server = track(
    spawn(path, ['--addr', '127.0.0.1', '--port', '-1', '--ports_file_dir', ports], {
      stdio: 'ignore'
    })
  )
  try {
    const { stdout } = await run(path, ['--version'])
    return {
      port: await portOf(server, join(ports, `nats-server_${server.pid}.ports`)),
      version: stdout.trim(),
      stop: () => stopProcess(server)
    }
  } catch (error) {
    await stopProcess(server)
    throw error
  } finally {
    await rm(ports, { recursive: true, force: true })
  }
}

/** The server writes where it listens into a file. */
async function portOf(server: ChildProcess, file: string): Promise<string> {
  const limit = performance.now() + START_TIMEOUT
  while (performance.now() < limit && server.exitCode === null) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const port = /nats:\/\/[^"]*:(\d+)/.exec(text)?.[1]
    if (port !== undefined) return port
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  throw new Error('nats-server did not start')
}
