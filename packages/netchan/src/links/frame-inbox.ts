/** Frames that have come and that nobody has received, and how it ends. */
export class FrameInbox {
  readonly #frames: Uint8Array[] = []
  #end: { readonly error: Error | undefined } | undefined
  #wake: (() => void) | undefined

  get length(): number {
    return this.#frames.length
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  push(frame: Uint8Array): void {
    if (this.#end !== undefined) return
    this.#frames.push(frame)
    this.#wake?.()
  }

  /** Nothing more comes; what has come can still be received. The first end stays. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  clear(): void {
    this.#frames.length = 0
  }

  /** The next frame, or the end; one call at a time. */
  async receive(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted()
    if (this.#frames.length === 0 && this.#end === undefined) await this.#woken(signal)
    const frame = this.#frames.shift()
    if (frame === undefined && this.#end?.error !== undefined) throw this.#end.error
    return frame
  }

  #woken(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        signal?.removeEventListener('abort', onAbort)
        this.#wake = undefined
      }
      const onAbort = (): void => {
        settle()
        reject(signal?.reason as Error)
      }
      this.#wake = () => {
        settle()
        resolve()
      }
      signal?.addEventListener('abort', onAbort)
    })
  }
}
