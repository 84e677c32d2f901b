import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { DemoFailedError } from '../errors.ts'

/** Milliseconds that a process has to say its first line, and to end when it is told to. */
const PATIENCE = 30_000
const ENDING = 6_000
/** The same, when the user does not want to wait. */
const HURRY = 500
/** Characters of its standard error that are kept for the message when it fails. */
const KEPT = 4_096

/** A process that says one JSON object when it is ready, and ends with its standard input. */
export class Child {
  readonly name: string
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #ended: Promise<unknown>
  #said = ''

  constructor(name: string, args: readonly string[], env: NodeJS.ProcessEnv, onLine?: OnLine) {
    this.name = name
    // Its own group: Ctrl-C of the terminal reaches only the parent, which ends it in order.
    this.#process = spawn(process.execPath, args, {
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe']
    })
    this.#ended = once(this.#process, 'close').catch(() => {})
    this.#process.stdin.on('error', () => {})
    createInterface({ input: this.#process.stderr }).on('line', line => {
      this.#said = `${this.#said}${line}\n`.slice(-KEPT)
      onLine?.(line)
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Writes a line to its standard input. */
  write(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /**
   * The object of its first line.
   *
   * @throws ERR_DEMO_FAILED when it ends before, or says something else
   */
  async ready(signal: AbortSignal): Promise<Record<string, unknown>> {
    const lines = createInterface({ input: this.#process.stdout })
    const limit = AbortSignal.timeout(PATIENCE)
    try {
      const first = await new Promise<string>((resolve, reject) => {
        const stop = (): void => reject(signal.aborted ? signal.reason : new Error('it is silent'))
        for (const source of [signal, limit]) source.addEventListener('abort', stop, { once: true })
        lines.once('line', resolve)
        this.#process.once('error', reject)
        void this.#ended.then(() => reject(new Error('it ended')))
      })
      return JSON.parse(first) as Record<string, unknown>
    } catch (cause) {
      signal.throwIfAborted()
      throw new DemoFailedError(
        `the "${this.name}" process did not start: ${this.#said.trim() || 'it said nothing'}`,
        { cause }
      )
    }
  }

  /** Ends it in order, by force when it does not. */
  async end(hurry: boolean): Promise<void> {
    this.#process.stdin.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), hurry ? HURRY : ENDING)
    await this.#ended
    clearTimeout(timer)
  }
}

/** Told each line that the process says on standard error. */
export type OnLine = (line: string) => void
