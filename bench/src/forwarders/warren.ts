import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { stopProcess, track } from '../harness/processes.ts'
import type { Forwarder } from './index.ts'

const MAIN = fileURLToPath(
  new URL('../../../../packages/warren/dist/src/cli/main.js', import.meta.url)
)

/** The command itself: `warren share` in one process and home, `warren open` in another. */
export async function warrenForward(target: number): Promise<Forwarder> {
  const homes = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'warren-bench-')))
  const processes: ChildProcess[] = []
  const start = async <T>(args: string[], home: string): Promise<T> => {
    const child = track(
      spawn(process.execPath, [MAIN, ...args, '--json', '--home', home], {
        stdio: ['ignore', 'pipe', 'ignore']
      })
    )
    processes.push(child)
    if (child.stdout === null) throw new Error('no output')
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`warren ${args[0]} ended with ${String(code)}`)
    })
    const printed = once(createInterface(child.stdout), 'line')
    const [line] = (await Promise.race([printed, ended])) as [string]
    ended.catch(() => {})
    return JSON.parse(line) as T
  }
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map(stopProcess))
    for (const home of homes) rmSync(home, { recursive: true, force: true })
  }
  try {
    const { ticket } = await start<{ ticket: string }>(
      ['share', String(target), '--as', 'bench', '--listen', '/ip4/127.0.0.1/tcp/0'],
      homes[0] ?? ''
    )
    const { address } = await start<{ address: string }>(
      ['open', ticket, '127.0.0.1:0'],
      homes[1] ?? ''
    )
    return {
      port: Number(address.slice(address.lastIndexOf(':') + 1)),
      pids: processes.map(({ pid }) => pid ?? 0),
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
