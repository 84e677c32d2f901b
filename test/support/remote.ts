import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A call, as the process gets it. */
export interface RemoteCall {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

/** Its answer. */
export type RemoteAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Error }

/**
 * A module in a process of its own, whose exported functions are called from here. Arguments and
 * results are copied (structured clone). The process ends with this one.
 */
export class Remote<T extends object> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #ids = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: RemoteAnswer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(answer.error)
      else waiting?.resolve(answer.result)
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the process has ended with ${signal ?? `code ${code}`}`))
      }
      this.#waiting.clear()
    })
  }

  /** Starts the module (compiled, so `.js`) with the garbage collector exposed. */
  static start<T extends object>(module: URL): Remote<T> {
    const child = fork(new URL('./remote-process.js', import.meta.url), [module.href], {
      execArgv: ['--expose-gc', '--enable-source-maps'],
      serialization: 'advanced'
    })
    return new Remote<T>(child)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Calls an exported function; rejects with what it throws, or when the process ends first. */
  call<K extends keyof T & string>(
    name: K,
    ...args: T[K] extends (...args: infer A) => unknown ? A : never
  ): Promise<T[K] extends (...args: never[]) => infer R ? Awaited<R> : never> {
    const waiting = Promise.withResolvers<unknown>()
    const call: RemoteCall = { id: this.#ids++, name, args }
    this.#waiting.set(call.id, waiting)
    this.#child.send(call, error => {
      if (error === null) return
      this.#waiting.delete(call.id)
      waiting.reject(error)
    })
    return waiting.promise as ReturnType<typeof this.call<K>>
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends the process at once. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
