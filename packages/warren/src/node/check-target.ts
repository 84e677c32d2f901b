import { createConnection } from 'node:net'
import { formatAddress, TargetRefusedError } from '@warren/gateway'
import type { GatewayAddress } from '@warren/gateway'
import { describeError } from '@warren/utils'

/** Milliseconds after which a target that says nothing is shared all the same. */
const PATIENCE = 3_000

/**
 * Looks whether something listens on a target before it is shared, since a wrong port is the most
 * common mistake.
 *
 * @throws ERR_TARGET_REFUSED
 */
export async function checkTarget(target: GatewayAddress, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection(
      target.kind === 'unix'
        ? { path: target.path }
        : { host: target.host, port: target.port, autoSelectFamily: true }
    )
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      act()
    }
    const onAbort = (): void => settle(() => reject(signal.reason as Error))
    const timer = setTimeout(() => settle(resolve), PATIENCE)
    signal.addEventListener('abort', onAbort)
    socket.once('connect', () => settle(resolve))
    socket.once('error', cause => {
      const where = formatAddress(target)
      const error = new TargetRefusedError(
        `nothing can be reached at ${where} (${describeError(cause, 200)}): start the program ` +
          'first, or share it anyway with --no-check',
        { cause }
      )
      settle(() => reject(error))
    })
  })
}
