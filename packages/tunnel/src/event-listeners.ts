/** Names of events, each with the function that hears it. */
type EventMap<E> = { [K in keyof E]: (...args: never[]) => void }

/**
 * The listeners of something that tells events. One that throws disturbs neither the others nor the
 * teller: what it threw is handed on.
 */
export class EventListeners<Events extends EventMap<Events>> {
  readonly #listeners = new Map<keyof Events, Set<(...args: never[]) => void>>()
  readonly #failed: (error: Error, event: keyof Events) => void

  constructor(failed: (error: Error, event: keyof Events) => void) {
    this.#failed = failed
  }

  /** Somebody listens to `event`. */
  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  on<E extends keyof Events>(event: E, listener: Events[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    // Wrapped, so that the same function given twice is called twice and removed once.
    const entry = (...args: never[]): void => listener(...args)
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
    }
  }

  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void {
    // As they are now: a listener may add or remove others.
    const listeners = Array.from(this.#listeners.get(event) ?? [])
    for (const listener of listeners) {
      try {
        listener(...(args as never[]))
      } catch (error) {
        this.#failed(error as Error, event)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
