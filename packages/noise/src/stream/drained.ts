import {
  StreamStateError,
  type AbortOptions,
  type MessageStream,
  type StreamCloseEvent
} from '@libp2p/interface'

/**
 * Resolves at the stream's next 'drain', at once when it needs none; rejects when it closes first
 * or the signal fires.
 */
export async function drained(stream: MessageStream, options: AbortOptions = {}): Promise<void> {
  const { signal } = options
  signal?.throwIfAborted()
  if (!stream.writableNeedsDrain) return
  await new Promise<void>((resolve, reject) => {
    const onDrain = (): void => settle(resolve)
    const onClose = (event: StreamCloseEvent): void =>
      settle(() =>
        reject(event.error ?? new StreamStateError('The stream closed before it drained'))
      )
    const onAbort = (): void => settle(() => reject(signal?.reason as Error))
    const settle = (how: () => void): void => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      how()
    }
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    signal?.addEventListener('abort', onAbort)
  })
}
