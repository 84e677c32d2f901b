import type { Home } from '../state/home.ts'
import { stateDirectory } from '../state/paths.ts'
import type { Output } from './output.ts'
import type { CommonOptions } from './program.ts'

/** What every command works with. */
export class Context {
  readonly output: Output
  /** Fires when the command shall end: Ctrl-C, SIGTERM, or its standard input with `--while-stdin`. */
  readonly signal: AbortSignal
  /** The state directory, which may not be there yet. */
  readonly homePath: string
  readonly #end: (reason: Error) => void

  constructor(
    options: CommonOptions,
    output: Output,
    { signal, end }: { signal: AbortSignal; end: (reason: Error) => void }
  ) {
    this.output = output
    this.signal = signal
    this.homePath = stateDirectory(options.home)
    this.#end = end
  }

  /** Opens the state directory; damaged files are told to the user. */
  async home(): Promise<Home> {
    const { Home } = await import('../state/home.ts')
    return Home.open(this.homePath, message => this.output.warn(message))
  }

  /** Ends the command as soon as standard input ends. */
  endWithStdin(): void {
    process.stdin.on('end', () => this.#end(new StdinEnded())).on('error', () => {})
    process.stdin.resume()
  }
}

/** Why a command with `--while-stdin` ends. */
export class StdinEnded extends Error {
  constructor() {
    super('standard input has ended')
    this.name = 'StdinEnded'
  }
}
