import type { Connection, Stream, StreamMiddleware } from '@libp2p/interface'

/**
 * Passes a stream through each middleware in turn; resolves with what the last one passed on. A
 * middleware that never calls `next` keeps the stream: whoever waits does so under a deadline.
 */
export async function runMiddleware(
  stream: Stream,
  connection: Connection,
  middleware: readonly StreamMiddleware[]
): Promise<{ stream: Stream; connection: Connection }> {
  let current = { stream, connection }
  for (const layer of middleware) {
    current = await new Promise((resolve, reject) => {
      const next = (s: Stream, c: Connection): void => resolve({ stream: s, connection: c })
      const run = async (): Promise<void> => layer(current.stream, current.connection, next)
      run().catch(reject)
    })
  }
  return current
}
