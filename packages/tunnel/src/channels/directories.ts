import type { ChannelDirectory, ChannelProvider } from './channel-directory.ts'

/** The further directories of a tunnel, as one. What one of them throws disturbs nobody. */
export class Directories {
  readonly #all: readonly ChannelDirectory[]
  readonly #failed: (error: Error) => void

  constructor(all: readonly ChannelDirectory[], failed: (error: Error) => void) {
    this.#all = all
    this.#failed = failed
  }

  /** There is none. */
  get empty(): boolean {
    return this.#all.length === 0
  }

  /** Secrets of the network that names are hidden with. */
  setKeys(keys: readonly Uint8Array[]): void {
    this.#each(directory => directory.setKeys?.(keys))
  }

  announce(channel: string, open: boolean): void {
    this.#each(directory => directory.announce(channel, open))
  }

  /**
   * Calls `found` with each provider of `channel`; resolves when every directory has told all it
   * knows, or `signal` fires. Never rejects.
   */
  async look(
    channel: string,
    signal: AbortSignal,
    found: (provider: ChannelProvider) => void
  ): Promise<void> {
    const ask = async (directory: ChannelDirectory): Promise<void> => {
      try {
        for await (const provider of directory.find(channel, { signal })) {
          if (signal.aborted) return
          found(provider)
        }
      } catch (error) {
        if (!signal.aborted) this.#failed(error as Error)
      }
    }
    await Promise.all(this.#all.map(ask))
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

  #each(tell: (directory: ChannelDirectory) => void): void {
    for (const directory of this.#all) {
      try {
        tell(directory)
      } catch (error) {
        this.#failed(error as Error)
      }
    }
  }
}
