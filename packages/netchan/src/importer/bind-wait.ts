import type { FieldDifference } from '../codec/schema-types.ts'
import { NetchanLinkLostError, SchemaMismatchError } from '../errors.ts'
import { errorOf } from '../failures.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'

/** What a {@link BindWait} works on. */
export interface BindWaitInit {
  readonly what: string
  readonly binding: Binding
  /** The error that a refusal is told as. */
  readonly refused: (failure: Failure) => Error
  /**
   * It was accepted. Called in the same step as the answer comes: the handler of the binding must be
   * in place before the next event.
   */
  readonly onBound: () => void
  /** It was not. */
  readonly onFailed: () => void
}

/** Waits for the answer of the exporter to a bind. */
export class BindWait implements BindingHandler {
  readonly #init: BindWaitInit
  #resolve!: () => void
  #reject!: (error: Error) => void
  /** Resolves when the exporter accepts. */
  readonly answered: Promise<void>

  constructor(init: BindWaitInit) {
    this.#init = init
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever gave up waiting does not hear of it.
    this.answered.catch(() => {})
    init.binding.handler = this
  }

  handle(event: BindingEvent): void {
    const { what, refused, onBound } = this.#init
    switch (event.type) {
      case 'bound':
        onBound()
        this.#resolve()
        return
      case 'refused':
        this.#fail(refused(event.failure))
        return
      case 'lost':
        this.#fail(
          new NetchanLinkLostError(`${what}: ${event.error.message}`, 0, { cause: event.error })
        )
        return
      case 'failed':
        this.#fail(errorOf(event.failure, what))
        return
      case 'ready':
      case 'data':
      case 'drained':
      case 'ended':
      case 'left':
    }
  }

  /** Nobody waits for the answer any more. */
  cancel(error: Error): void {
    this.#reject(error)
  }

  #fail(error: Error): void {
    this.#init.onFailed()
    this.#reject(error)
  }
}

/** The error of an import that the exporter refused. */
export function refusal(
  what: string,
  failure: Failure,
  differences: (theirs: string) => readonly FieldDifference[]
): Error {
  if (failure.code !== CODE.schemaMismatch) return errorOf(failure, what)
  const fields = differences(failure.shape ?? '')
  const told = fields
    .map(({ path, ours, theirs }) => {
      const field = path === '' ? 'the value' : path
      if (ours === undefined) return `${field} is ${theirs ?? '?'} there and missing here`
      if (theirs === undefined) return `${field} is ${ours} here and missing there`
      return `${field} is ${ours} here and ${theirs} there`
    })
    .join('; ')
  return new SchemaMismatchError(
    `${what}: the exporter has another schema${told === '' ? '' : `: ${told}`}`,
    fields
  )
}
