import { deadline, waitFor } from '@warren/utils'
import type { Connections } from './connections.ts'
import { GatewayClosedError } from './errors.ts'
import type { GatewayCloseOptions } from './types.ts'

/** Waits for running connections as the options say, and resets those that are left. */
export async function finishConnections(
  connections: Connections,
  options: GatewayCloseOptions,
  closeTimeout: number,
  abort: (error: Error) => void
): Promise<void> {
  const closed = (): Error => new GatewayClosedError('the gateway at the other end was closed')
  const wait =
    options.drain === true
      ? undefined
      : deadline(options.timeout ?? closeTimeout, closed, options.signal)
  try {
    await waitFor(connections.empty(), wait?.signal ?? options.signal)
  } catch {
    abort(closed())
    await connections.empty()
  } finally {
    wait?.clear()
  }
}
