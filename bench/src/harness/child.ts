import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { stopProcess, track } from './processes.ts'

/** Node options of every child: garbage collection on demand, for the memory figures. */
const EXEC_ARGV = ['--expose-gc', '--no-warnings']

/** A process of the benchmark that answers requests over IPC, one at a time. */
export class Child {
  readonly #process: ChildProcess
  readonly #name: string

  constructor(module: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`../processes/${module}.js`, import.meta.url))
    const profile = process.env['WARREN_BENCH_PROFILE']
    this.#name = [module, ...args].join(' ')
    this.#process = track(
      fork(path, args, {
        execArgv:
          profile === undefined
            ? EXEC_ARGV
            : [...EXEC_ARGV, '--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-interval=200'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
    )
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** The answer to a request; rejects with what the child says went wrong. */
  async ask<T>(request: Record<string, unknown>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const what = `${this.#name}, asked for ${String(request['op'])}`
    const onMessage = (message: unknown): void => {
      const { error, result } = message as { error?: string; result?: T }
      if (error === undefined) resolve(result as T)
      else reject(new Error(`${what}: ${error}`))
    }
    const onExit = (code: number | null): void =>
      reject(new Error(`${what}: the process ended with ${code ?? 'a signal'}`))
    this.#process.once('message', onMessage)
    this.#process.once('exit', onExit)
    try {
      this.#process.send(request)
      return await promise
    } finally {
      this.#process.off('message', onMessage)
      this.#process.off('exit', onExit)
    }
  }

  async stop(): Promise<void> {
    // Only an orderly end writes the profile.
    if (process.env['WARREN_BENCH_PROFILE'] !== undefined && this.#process.connected) {
      const exited = new Promise(resolve => this.#process.once('exit', resolve))
      this.#process.disconnect()
      await exited
    }
    await stopProcess(this.#process)
  }
}

/** Answers the requests of the parent; for the child's side. */
export function answer(handlers: Record<string, (request: never) => unknown>): void {
  process.on('message', (request: { op: string }) => {
    const handler = handlers[request.op]
    Promise.resolve()
      .then(() => {
        if (handler === undefined) throw new Error(`cannot ${request.op}`)
        return handler(request as never)
      })
      .then(
        result => process.send?.({ result: result ?? null }),
        (error: unknown) =>
          process.send?.({
            error: inspect(error)
          })
      )
  })
  process.on('disconnect', () => process.exit(0))
}

/** CPU microseconds that this process has used. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
