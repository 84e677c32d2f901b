import type { Connection } from '@libp2p/interface'
import type { CodedCloseOptions } from '@warren/interface'
import { deadline, waitFor } from '@warren/utils'
import { CloseTimeoutError, toError } from '../errors.ts'

/**
 * Closes a connection in peace, and aborts it when that takes longer than `timeout` ms; the peer is
 * told the `reason` where the muxer can.
 */
export async function closeConnection(
  connection: Connection,
  timeout: number,
  { signal, reason }: CodedCloseOptions = {}
): Promise<void> {
  if (connection.status === 'closed' || connection.status === 'aborted') return
  const limit = deadline(
    timeout,
    () => new CloseTimeoutError(`the connection did not close within ${timeout} ms`),
    signal
  )
  const options: CodedCloseOptions = {
    signal: limit.signal,
    ...(reason === undefined ? {} : { reason })
  }
  try {
    await waitFor(connection.close(options), limit.signal)
  } catch (error) {
    connection.abort(toError(error))
  } finally {
    limit.clear()
  }
}
