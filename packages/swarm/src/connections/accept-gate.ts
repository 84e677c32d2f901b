import { waitFor } from '@warren/utils'

/** Shuts and opens the taking of connections, for all accept loops together. */
export class AcceptGate {
  /** Aborted while the gate is shut; replaced when it opens. */
  #open: AbortController | undefined = new AbortController()
  #opening = Promise.withResolvers<void>()

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Lets nobody pass, and calls back those who wait for a connection. */
  shut(): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    this.#opening = Promise.withResolvers()
    open.abort(new Error('no connections are taken for now'))
  }

  /** Lets them pass again. */
  open(): void {
    if (this.#open !== undefined) return
    this.#open = new AbortController()
    this.#opening.resolve()
  }

  /** A signal that fires when the gate shuts; waits until it is open. */
  async pass(signal: AbortSignal): Promise<AbortSignal> {
    signal.throwIfAborted()
    while (this.#open === undefined) await waitFor(this.#opening.promise, signal)
    return this.#open.signal
  }
}
