import type { Resource } from './usage.ts'

/** Where a limit stands. */
export type Scope = 'system' | 'peer' | 'protocol' | 'connection'

/** Why something was refused: the scope and the resource whose limit was reached. */
export type RefusalCause = `${Scope} ${Resource}`

/** Counts refusals by cause. There are twelve causes at most, so it is bounded. */
export class Refusals {
  readonly #counts = new Map<RefusalCause, number>()

  add(scope: Scope, resource: Resource): void {
    const cause: RefusalCause = `${scope} ${resource}`
    this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + 1)
  }

  snapshot(): Partial<Record<RefusalCause, number>> {
    return Object.fromEntries(this.#counts)
  }
}
