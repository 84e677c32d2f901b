import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Longest time that one measurement may take. */
const LIMIT_MS = 120_000

/** Node options of every child: garbage collection on demand, for the memory figures. */
const EXEC_ARGV = ['--expose-gc', '--no-warnings']

/** A process of the benchmark that answers requests over IPC, one at a time. */
export class Child {
  readonly #process: ChildProcess

  constructor(module: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(`../processes/${module}.js`, import.meta.url))
    this.#process = fork(path, args, {
      execArgv: EXEC_ARGV,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
  }

  /** The answer to a request; rejects with what the child says went wrong. */
  async ask<T>(request: Record<string, unknown>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const timer = setTimeout(
      () => reject(new Error(`no answer to ${JSON.stringify(request)} in ${LIMIT_MS} ms`)),
      LIMIT_MS
    )
    const onMessage = (message: unknown): void => {
      const { error, result } = message as { error?: string; result?: T }
      if (error === undefined) resolve(result as T)
      else reject(new Error(error))
    }
    const onExit = (code: number | null): void =>
      reject(new Error(`the process ended with ${code}`))
    this.#process.once('message', onMessage)
    this.#process.once('exit', onExit)
    try {
      this.#process.send(request)
      return await promise
    } finally {
      clearTimeout(timer)
      this.#process.off('message', onMessage)
      this.#process.off('exit', onExit)
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}

/** Answers the requests of the parent; for the child's side. */
export function answer(handlers: Record<string, (request: never) => unknown>): void {
  process.on('message', (request: { op: string }) => {
    const handler = handlers[request.op]
    Promise.resolve()
      .then(() => handler?.(request as never))
      .then(
        result => process.send?.({ result: result ?? null }),
        (error: unknown) =>
          process.send?.({
            error: error instanceof Error ? (error.stack ?? error.message) : String(error)
          })
      )
  })
  process.on('disconnect', () => process.exit(0))
}
