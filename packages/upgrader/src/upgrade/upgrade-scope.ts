import type { MultiaddrConnection } from '@libp2p/interface'
import { ConnectionEndedError, UpgradeTimeoutError, toError } from '../errors.ts'

/** The life of one upgrade: its signal fires when the caller gives up, time is over or the conn ends. */
export interface UpgradeScope {
  readonly signal: AbortSignal
  /** Lets go of the timer, the caller's signal and the conn; the signal never fires afterwards. */
  clear(): void
}

/** Starts the clock of one upgrade. */
export function upgradeScope(
  maConn: MultiaddrConnection,
  timeout: number,
  ...parents: readonly AbortSignal[]
): UpgradeScope {
  const controller = new AbortController()
  const end = (reason: unknown): void => {
    clear()
    controller.abort(reason)
  }
  const onClose = (event: { error?: Error }): void =>
    end(event.error ?? new ConnectionEndedError('the peer closed the connection'))
  const onParent = (event: Event): void => {
    if (event.target instanceof AbortSignal) end(event.target.reason)
  }
  const timer = setTimeout(
    () => end(new UpgradeTimeoutError(`the upgrade took longer than ${timeout} ms`)),
    timeout
  )
  function clear(): void {
    clearTimeout(timer)
    maConn.removeEventListener('close', onClose)
    for (const parent of parents) parent.removeEventListener('abort', onParent)
  }
  maConn.addEventListener('close', onClose)
  for (const parent of parents) {
    parent.addEventListener('abort', onParent)
    if (parent.aborted) end(toError(parent.reason))
  }
  if (maConn.status !== 'open') {
    end(new ConnectionEndedError(`the connection is ${maConn.status} before its upgrade`))
  }
  return { signal: controller.signal, clear }
}
