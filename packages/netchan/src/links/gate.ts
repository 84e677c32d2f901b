/** Somebody who sends waits for room, for the end, or for a signal; one at a time. */
export class Gate {
  #open: ((error: Error | undefined) => void) | undefined

  /** Resolves with {@link Gate.open}, rejects with its error or the signal's reason. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.open(signal?.reason as Error)
      this.#open = error => {
        signal?.removeEventListener('abort', onAbort)
        this.#open = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      signal?.addEventListener('abort', onAbort)
    })
  }

  open(error?: Error): void {
    this.#open?.(error)
  }
}
