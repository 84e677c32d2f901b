import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from 'mocha'
import { skip } from '../../support/skip.ts'
import type { ScenarioName } from '../scenarios/index.ts'

const PROCESS = fileURLToPath(new URL('./namespace-process.js', import.meta.url))

/** How long a scenario may take, in ms; the machine may be busy. */
const PATIENCE = 100_000

/** What a scenario has to say when it went well. */
export type Findings = Readonly<Record<string, unknown>>

/** What the process in the namespace sends back. */
export type Verdict =
  | { readonly ok: true; readonly findings: Findings }
  | { readonly ok: false; readonly error: string }
  /** The kernel here does not allow it. */
  | { readonly ok: 'no'; readonly reason: string }
  /** A program is not installed. */
  | { readonly ok: 'missing'; readonly program: string }

/** Who makes the namespace: root, or anybody with a user namespace of their own. */
export type As = 'root' | 'nobody'

/**
 * Runs a scenario in a process of its own, in a network namespace of its own: nothing of it touches
 * the machine's network. Where the kernel does not allow that the test is skipped with the reason,
 * also in CI: this is not a program that could be installed.
 */
export async function inNamespace(
  context: Context,
  scenario: ScenarioName,
  as: As = 'root'
): Promise<Findings> {
  const root = process.getuid?.() === 0
  const unshare = root && as === 'root' ? ['-n'] : ['-U', '-r', '-n']
  const prefix =
    root && as === 'nobody' ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const [program = 'unshare', ...args] = [...prefix, 'unshare', ...unshare]
  const see = `require('node:fs').accessSync(${JSON.stringify(PROCESS)})`
  const probe = spawnSync(program, [...args, process.execPath, '-e', see], { encoding: 'utf8' })
  if (probe.status !== 0) {
    const why = probe.error?.message ?? probe.stderr.trim().split('\n').at(-1) ?? ''
    refuse(context, `no network namespace as ${as}: ${why}`)
  }
  using device = as === 'nobody' && root ? ownDevice() : undefined
  const child = fork(PROCESS, [scenario, String(process.getuid?.() ?? '')], {
    execPath: program,
    execArgv: [...args, process.execPath],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
      ...(device === undefined ? {} : { WARREN_TUN_DEVICE: device.path })
    }
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => (out += bytes.toString()))
  let verdict: Verdict | undefined
  child.on('message', message => (verdict = message as Verdict))
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  await once(child, 'close')
  clearTimeout(timer)
  if (verdict === undefined) throw new Error(`the scenario ${scenario} did not end: ${out}`)
  if (verdict.ok === 'no') refuse(context, verdict.reason)
  if (verdict.ok === 'missing') skip(context, `${verdict.program} is not installed`)
  if (!verdict.ok) throw new Error(`${verdict.error}\n${out}`)
  return verdict.findings
}

/** A clone device for everybody, as most machines have it in /dev. Only root can make one. */
function ownDevice(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'warren-tun-'))
  chmodSync(folder, 0o755)
  const path = join(folder, 'tun')
  spawnSync('mknod', ['-m', '666', path, 'c', '10', '200'])
  return {
    path,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true })
  }
}

function refuse(context: Context, reason: string): never {
  const test = context.currentTest ?? context.test
  if (test !== undefined) Object.assign(test, { skipReason: reason })
  return context.skip()
}
