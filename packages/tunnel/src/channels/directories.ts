import type { ChannelDirectory, ChannelProvider } from './channel-directory.ts'

/** The further directories of a tunnel, as one. What one of them throws disturbs nobody. */
export class Directories {
  readonly #all: readonly ChannelDirectory[]
  readonly #failed: (error: Error) => void

  constructor(all: readonly ChannelDirectory[], failed: (error: Error) => void) {
    this.#all = all
    this.#failed = failed
  }

  announce(channel: string, open: boolean): void {
    for (const directory of this.#all) {
      try {
        directory.announce(channel, open)
      } catch (error) {
        this.#failed(error as Error)
      }
    }
  }

  /** Calls `found` with each provider of `channel`, until `signal` fires. */
  search(channel: string, signal: AbortSignal, found: (provider: ChannelProvider) => void): void {
    for (const directory of this.#all) {
      const run = async (): Promise<void> => {
        for await (const provider of directory.find(channel, { signal })) {
          if (signal.aborted) return
          found(provider)
        }
      }
      run().catch(error => {
        if (!signal.aborted) this.#failed(error as Error)
      })
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#all.map(async directory => {
        try {
          await directory.close?.()
        } catch (error) {
          this.#failed(error as Error)
        }
      })
    )
  }
}
