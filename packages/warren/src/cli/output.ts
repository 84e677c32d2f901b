import { styleText } from 'node:util'
import { describeFailure } from './describe-failure.ts'

/** How a command says things. */
export interface OutputOptions {
  /** One JSON object per answer on standard output. */
  readonly json?: boolean | undefined
  /** Only errors on standard error. */
  readonly quiet?: boolean | undefined
  /** `json`: every line on standard error is one of pino's JSON objects. Default: words. */
  readonly log?: 'json' | 'text' | undefined
}

type Fields = Readonly<Record<string, unknown>>
type Level = 'info' | 'warn' | 'error'
type Style = Parameters<typeof styleText>[0]

/** Milliseconds between two drawings of the status line. */
const REDRAW = 100

/**
 * Where words and data go: data to standard output, words to standard error, a status line that
 * is redrawn only on a terminal.
 */
export class Output {
  readonly json: boolean
  readonly #quiet: boolean
  readonly #logger: ((level: Level, fields: Fields, text: string) => void) | undefined
  #status = ''
  #drawn = 0

  private constructor(options: OutputOptions, logger?: typeof Output.prototype.log) {
    this.json = options.json === true
    this.#quiet = options.quiet === true
    this.#logger = logger
  }

  /** Loads the JSON logger only when it is asked for. */
  static async create(options: OutputOptions): Promise<Output> {
    if (options.log !== 'json') return new Output(options)
    const { pino } = await import('pino')
    const logger = pino({ name: 'warren' }, pino.destination({ fd: 2, sync: true }))
    return new Output(options, (level, fields, text) => logger[level](fields, text))
  }

  /** Whether a person looks at standard error. */
  get interactive(): boolean {
    return process.stderr.isTTY && this.#logger === undefined && !this.#quiet
  }

  /** One line of data on standard output. */
  data(line: string): void {
    this.#erase()
    process.stdout.write(`${line}\n`)
    this.#draw()
  }

  /** One JSON object in a line on standard output. */
  object(value: unknown): void {
    this.data(JSON.stringify(value))
  }

  /** A line of words. `fields` are for the JSON log. */
  say(text: string, fields: Fields = {}): void {
    this.log('info', fields, text)
  }

  warn(text: string, fields: Fields = {}): void {
    this.log('warn', fields, text)
  }

  /** What went wrong: the message, which says what to do, and the causes it does not repeat. */
  error(error: unknown): void {
    const fields = error instanceof Error && 'code' in error ? { code: error.code } : {}
    this.log('error', fields, describeFailure(error))
  }

  log(level: Level, fields: Fields, text: string): void {
    if (this.#logger !== undefined) {
      this.#logger(level, fields, text)
      return
    }
    if (this.#quiet && level === 'info') return
    this.#erase()
    const mark =
      level === 'error'
        ? `${this.style('red', 'warren:')} `
        : level === 'warn'
          ? `${this.style('yellow', 'note:')} `
          : ''
    process.stderr.write(`${mark}${text}\n`)
    this.#draw()
  }

  /** Text as it is, on standard error, for a person only: a QR code. */
  picture(text: string): void {
    if (!this.interactive) return
    this.#erase()
    process.stderr.write(`${text}\n`)
  }

  /** Replaces the status line; an empty one removes it. Nothing when it is not a terminal. */
  status(text: string): void {
    if (!this.interactive) return
    const now = performance.now()
    if (text !== '' && this.#status !== '' && now - this.#drawn < REDRAW) {
      this.#status = text
      return
    }
    this.#erase()
    this.#status = text
    this.#drawn = now
    this.#draw()
  }

  /** `text` styled for standard error, where that shows colours (NO_COLOR, FORCE_COLOR, TERM). */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stderr })
  }

  #erase(): void {
    if (this.#status !== '' && this.interactive) process.stderr.write('\r\x1b[2K')
  }

  #draw(): void {
    if (this.#status === '' || !this.interactive) return
    const columns = process.stderr.columns || 80
    process.stderr.write(this.#status.slice(0, columns - 1))
  }
}
