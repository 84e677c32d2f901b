import { DialTimeoutError } from '../errors.ts'

/** Time limits of one attempt, in milliseconds. */
export interface AttemptLimits {
  /** Until the far end answers. */
  readonly connect: number
  /** Until the connection is upgraded. */
  readonly whole: number
}

/**
 * The signal of one attempt: fires when the far end is silent for too long, when the whole takes
 * too long, or with the attempt's own signal. Once cleared it never fires, so that nothing ends
 * the live connection later.
 */
export class AttemptClock {
  readonly #controller = new AbortController()
  readonly #parent: AbortSignal
  readonly #silence: NodeJS.Timeout
  readonly #whole: NodeJS.Timeout

  constructor(limits: AttemptLimits, parent: AbortSignal) {
    const { connect, whole } = limits
    this.#parent = parent
    this.#silence = setTimeout(() => this.#end(`no answer within ${connect} ms`), connect)
    this.#whole = setTimeout(() => this.#end(`it was not upgraded within ${whole} ms`), whole)
    parent.addEventListener('abort', this.#onParent)
    if (parent.aborted) this.#onParent()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The far end has answered: only the limit of the whole counts. */
  answered(): void {
    clearTimeout(this.#silence)
  }

  clear(): void {
    clearTimeout(this.#silence)
    clearTimeout(this.#whole)
    this.#parent.removeEventListener('abort', this.#onParent)
  }

  readonly #onParent = (): void => {
    this.clear()
    this.#controller.abort(this.#parent.reason)
  }

  #end(message: string): void {
    this.clear()
    this.#controller.abort(new DialTimeoutError(message))
  }
}
