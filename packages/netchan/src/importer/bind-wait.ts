import type { FieldDifference } from '../codec/schema-types.ts'
import { SchemaMismatchError } from '../errors.ts'
import { errorOf } from '../failures.ts'
import type { Binding, BindingEvent, BindingHandler } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'

/** The answer of the exporter to a bind. */
export class BindWait implements BindingHandler {
  readonly #what: string
  readonly #refused: (failure: Failure) => Error
  #resolve!: () => void
  #reject!: (error: Error) => void
  /** Resolves when it accepts; `onBound` was called by then. */
  readonly answered: Promise<void>
  readonly #onBound: () => void

  /**
   * @param onBound called in the same step as the answer comes: the handler of the binding must be
   * in place before the next event
   */
  constructor(
    what: string,
    binding: Binding,
    refused: (failure: Failure) => Error,
    onBound: () => void
  ) {
    this.#what = what
    this.#refused = refused
    this.#onBound = onBound
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Whoever gave up waiting does not hear of it.
    this.answered.catch(() => {})
    binding.handler = this
  }

  handle(event: BindingEvent): void {
    switch (event.type) {
      case 'bound':
        this.#onBound()
        this.#resolve()
        return
      case 'refused':
        this.#reject(this.#refused(event.failure))
        return
      case 'lost':
        this.#reject(event.error)
        return
      case 'failed':
        this.#reject(errorOf(event.failure, this.#what))
        return
      case 'ready':
      case 'data':
      case 'drained':
      case 'ended':
      case 'left':
    }
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
