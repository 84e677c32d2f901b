/** What became of standard output; see {@link watchStreams}. */
export interface WatchedStreams {
  /** Resolves, once everything that was said is written or lost, with why it was lost. */
  failure(): Promise<Error | undefined>
}

/**
 * Watches standard output and standard error. A reader that leaves (`warren share 3000 | head -1`)
 * ends nothing: the share goes on. Anything else, such as a full disk, is remembered, since a
 * command whose answer was lost must not look like one that was answered.
 */
export function watchStreams(): WatchedStreams {
  let failure: Error | undefined
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error
  })
  process.stderr.on('error', () => {})
  return {
    failure: async () => {
      await new Promise<void>(resolve => process.stdout.write('', () => resolve()))
      // The event of a failed write comes behind its callback.
      await new Promise<void>(resolve => setImmediate(resolve))
      return failure
    }
  }
}
