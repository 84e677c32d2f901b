import type { AbortOptions, Connection } from '@libp2p/interface'
import { deadline, waitFor } from '@warren/utils'
import { CloseTimeoutError, toError } from '../errors.ts'

/** Closes a connection in peace, and aborts it when that takes longer than `timeout` ms. */
export async function closeConnection(
  connection: Connection,
  timeout: number,
  options: AbortOptions = {}
): Promise<void> {
  if (connection.status === 'closed' || connection.status === 'aborted') return
  const limit = deadline(
    timeout,
    () => new CloseTimeoutError(`the connection did not close within ${timeout} ms`),
    options.signal
  )
  try {
    await waitFor(connection.close({ signal: limit.signal }), limit.signal)
  } catch (error) {
    connection.abort(toError(error))
  } finally {
    limit.clear()
  }
}
