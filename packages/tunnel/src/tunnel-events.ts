import type { TunnelEvents } from './tunnel-types.ts'

/**
 * The listeners of a tunnel. One that throws disturbs neither the others nor the tunnel: what it
 * threw is told to the listeners of `error`.
 */
export class TunnelEventSource {
  readonly #listeners = new Map<keyof TunnelEvents, Set<(...args: never[]) => void>>()

  on<E extends keyof TunnelEvents>(event: E, listener: TunnelEvents[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    // Wrapped, so that the same function given twice is called twice and removed once.
    const entry = (...args: never[]): void => (listener as (...args: never[]) => void)(...args)
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
    }
  }

  emit<E extends keyof TunnelEvents>(event: E, ...args: Parameters<TunnelEvents[E]>): void {
    // As they are now: a listener may add or remove others.
    const listeners = Array.from(this.#listeners.get(event) ?? [])
    for (const listener of listeners) {
      try {
        ;(listener as (...args: unknown[]) => void)(...args)
      } catch (error) {
        if (event !== 'error') this.emit('error', error as Error)
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
