/**
 * The listeners of an exporter or importer. One that throws disturbs nobody: what it threw is given
 * to `onError`.
 */
export class Events<E extends { [event: string]: (...args: never[]) => void }> {
  readonly #listeners = new Map<keyof E, Set<(...args: never[]) => void>>()
  readonly #onError: (error: Error) => void

  constructor(onError: (error: Error) => void) {
    this.#onError = onError
  }

  on<K extends keyof E>(event: K, listener: E[K]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    // Wrapped, so that the same function given twice is called twice and removed once.
    const entry = (...args: never[]): void => listener(...args)
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
    }
  }

  emit<K extends keyof E>(event: K, ...args: Parameters<E[K]>): void {
    // As they are now: a listener may add or remove others.
    for (const listener of Array.from(this.#listeners.get(event) ?? [])) {
      try {
        listener(...args)
      } catch (error) {
        this.#onError(error as Error)
      }
    }
  }
}
