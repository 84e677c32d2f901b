import type { MultiaddrConnection } from '@libp2p/interface'
import { CONNECTION_CODE } from '@warren/interface'
import { describeError, printable } from '@warren/utils'
import type { CapableConnection } from '../connection.ts'
import {
  ConnectionEndedError,
  PeerMismatchError,
  SelfConnectionError,
  UpgradeError,
  UpgradeTimeoutError,
  toError
} from '../errors.ts'
import type { UpgradeStep } from '../errors.ts'
import type { UpgradeContext, UpgradeOptions, UpgradeRole } from './upgrade-context.ts'
import { UpgradeRun } from './upgrade-run.ts'
import { upgradeScope } from './upgrade-scope.ts'
import { closeWebSocketOnAbort } from './websocket.ts'

/** What else an upgrade is told. */
export interface UpgradeHooks {
  /** Ends it too, besides the caller's signal. */
  readonly closing?: AbortSignal
  /** Called when the peer broke a protocol; not for cut links and silence. */
  onViolation?(): void
}

/**
 * Upgrades a conn within the upgrade's time. On any failure the conn is aborted.
 *
 * @throws the reason of the caller's signal when that fired; {@link UpgradeError} otherwise
 */
export async function upgrade(
  context: UpgradeContext,
  maConn: MultiaddrConnection,
  role: UpgradeRole,
  options: UpgradeOptions,
  hooks: UpgradeHooks = {}
): Promise<CapableConnection> {
  const parents = hooks.closing === undefined ? [options.signal] : [options.signal, hooks.closing]
  const scope = upgradeScope(maConn, context.options.upgradeTimeout, ...parents)
  const run = new UpgradeRun(context, maConn, role, options, scope.signal)
  const counts = context.counters[role]
  counts.attempts++
  closeWebSocketOnAbort(maConn)
  try {
    return await run.run()
  } catch (thrown) {
    counts.failures++
    const cause = toError(thrown, 'the connection ended')
    if (options.signal.aborted) {
      await end(maConn, run, toError(options.signal.reason))
      throw options.signal.reason
    }
    if (isViolation(run.step, cause, maConn)) hooks.onViolation?.()
    const error = new UpgradeError(run.step, messageOf(context, maConn, role, run.step, cause), {
      cause
    })
    if (run.step === 'gater') Object.assign(error, { goAwayCode: CONNECTION_CODE.gated })
    context.log('%s', error.message)
    await end(maConn, run, error)
    throw error
  } finally {
    scope.clear()
  }
}

/**
 * Leaves no socket open: the muxer and the encrypter are aborted with the conn below them. Where
 * there is a muxer already, and a code to tell the peer, it gets a moment to arrive.
 */
async function end(maConn: MultiaddrConnection, run: UpgradeRun, error: Error): Promise<void> {
  run.connection?.abort(error)
  await run.connection?.lastWords
  maConn.abort(error)
}

/** Whether the peer sent what no peer may send, rather than going away or saying nothing. */
function isViolation(step: UpgradeStep, cause: Error, maConn: MultiaddrConnection): boolean {
  if (step === 'gater') return false
  if (cause instanceof UpgradeTimeoutError || cause instanceof ConnectionEndedError) return false
  if (cause instanceof PeerMismatchError || cause instanceof SelfConnectionError) return false
  // Some encrypters abort the conn themselves; the peer's own ends are `closed` and `reset`.
  return maConn.status === 'open' || maConn.status === 'aborted'
}

function messageOf(
  context: UpgradeContext,
  maConn: MultiaddrConnection,
  role: UpgradeRole,
  step: UpgradeStep,
  cause: Error
): string {
  const address = printable(maConn.remoteAddr)
  const hint =
    step === 'security' && context.components.connectionProtector !== undefined
      ? ' (do both ends have the same pre-shared key?)'
      : ''
  return `cannot upgrade the ${role} connection with ${address}: ${step}: ${describeError(cause)}${hint}`
}
