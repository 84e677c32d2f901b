import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The file that the command `warren` is. */
export const MAIN = fileURLToPath(
  new URL('../../../packages/warren/dist/src/cli/main.js', import.meta.url)
)

/** Any free port of this machine that no other machine reaches. */
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'

/** Milliseconds that a test waits for something that a process shall say. */
const PATIENCE = 60_000

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs in a process of its own. Its standard streams are pipes. */
export class Running {
  readonly ended: Promise<Ended>
  out = ''
  err = ''
  readonly #process: ChildProcessWithoutNullStreams
  readonly #watchers = new Set<() => void>()
  #end: Ended | undefined

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#process = spawn(command, args, { env })
    this.#process.stdin.on('error', () => {})
    this.#process.stdout.on('data', chunk => this.#told(() => (this.out += chunk)))
    this.#process.stderr.on('data', chunk => this.#told(() => (this.err += chunk)))
    this.ended = new Promise((resolve, reject) => {
      this.#process.on('error', reject)
      this.#process.on('close', (code, signal) => {
        this.#told(() => (this.#end = { code, signal }))
        resolve({ code, signal })
      })
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Writes to its standard input; `end` closes it too. */
  write(text: string, { end = false } = {}): void {
    this.#process.stdin.write(text)
    if (end) this.#process.stdin.end()
  }

  /** The first line on its standard output. Fails with what it said when it ends before. */
  async firstLine(): Promise<string> {
    await this.#until(() => this.out.includes('\n'), 'a line on standard output')
    return this.out.split('\n', 1)[0] ?? ''
  }

  /** Waits until its standard error matches. */
  async says(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.err), String(pattern))
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#end === undefined) this.#process.kill(signal)
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.kill(signal)
    return this.ended
  }

  #told(change: () => void): void {
    change()
    for (const watcher of this.#watchers) watcher()
  }

  #until(reached: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const said = (): string => this.err || '(it said nothing)'
      const limit = setTimeout(() => {
        this.#watchers.delete(look)
        reject(new Error(`waited ${PATIENCE} ms in vain for ${what}: ${said()}`))
      }, PATIENCE)
      const look = (): void => {
        if (!reached() && this.#end === undefined) return
        this.#watchers.delete(look)
        clearTimeout(limit)
        if (reached()) resolve()
        else reject(new Error(`ended (${JSON.stringify(this.#end)}) before ${what}: ${said()}`))
      }
      this.#watchers.add(look)
      look()
    })
  }
}

/** A temporary directory with homes in it, and every process that was started there. */
export class Stage {
  readonly directory: string
  readonly #running = new Set<Running>()

  private constructor(directory: string) {
    this.directory = directory
  }

  static async create(): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'warren-test-cli-')))
  }

  /** The state directory with this name. */
  home(name: string): string {
    return join(this.directory, name)
  }

  /** Starts any program. */
  run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const running = new Running(command, args, {
      PATH: process.env['PATH'],
      HOME: this.directory,
      ...env
    })
    this.#running.add(running)
    void running.ended.finally(() => this.#running.delete(running)).catch(() => {})
    return running
  }

  /**
   * Starts `warren` with the state directory `home`. What listens does so on loopback only, unless it is
   * told where: tickets name every address, and those who hold them would dial the machine's others too.
   */
  warren(home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const listens = args[0] === 'share' || args[0] === 'relay'
    const where = listens && !args.includes('--listen') ? ['--listen', LOOPBACK] : []
    return this.warrenAsGiven(home, [...args, ...where], env)
  }

  /** The same, listening where it does by itself: on all interfaces, at a port that it keeps. */
  warrenAsGiven(home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return this.run(process.execPath, [MAIN, ...args], { WARREN_HOME: this.home(home), ...env })
  }

  /** Runs `warren` to its end. */
  async finished(
    home: string,
    args: readonly string[],
    input = ''
  ): Promise<{ code: number | null; out: string; err: string }> {
    const running = this.warren(home, args)
    running.write(input, { end: true })
    const { code } = await running.ended
    return { code, out: running.out, err: running.err }
  }

  /** Ends everything that still runs, at once, and removes the directory. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map(running => running.stop('SIGKILL')))
    await rm(this.directory, { recursive: true, force: true })
  }
}
