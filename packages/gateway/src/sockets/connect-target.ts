import net from 'node:net'
import { TargetRefusedError, TargetTimeoutError, TargetUnreachableError } from '../errors.ts'
import { formatAddress } from '../address.ts'
import type { GatewayAddress } from '../address.ts'

/** Milliseconds after which the kernel asks whether a silent peer is still there. */
const KEEP_ALIVE_MS = 60_000

/** Options of sockets that are forwarded. */
export const FORWARDED_SOCKET = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_MS
} as const

/**
 * Connects to the target of a share. The socket comes connected and paused, with a listener for
 * `error`.
 *
 * @throws TargetRefusedError, TargetUnreachableError, TargetTimeoutError; the signal's reason
 */
export async function connectTarget(
  target: GatewayAddress,
  options: { readonly timeout: number; readonly signal?: AbortSignal }
): Promise<net.Socket> {
  const { signal, timeout } = options
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const where =
      target.kind === 'unix'
        ? { path: target.path }
        : { host: target.host, port: target.port, ...lookupOf(target.host) }
    const socket = net.connect({ ...where, ...FORWARDED_SOCKET })
    // Nothing is read before somebody wants it.
    socket.pause()
    const onAbort = (): void => settle(signal?.reason as Error)
    const timer = setTimeout(() => {
      const text = `the sharer's target ${formatAddress(target)} did not answer within ${timeout} ms`
      settle(new TargetTimeoutError(`${text}: is it overloaded, or behind a firewall?`))
    }, timeout)
    let settled = false
    const settle = (error: Error | undefined): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect)
      if (error === undefined) return resolve(socket)
      socket.destroy()
      reject(error)
    }
    const onConnect = (): void => settle(undefined)
    signal?.addEventListener('abort', onAbort)
    socket.on('connect', onConnect)
    // It stays: a socket without one turns a late error into an uncaught exception.
    socket.on('error', error => settle(targetError(target, error)))
  })
}

/**
 * `localhost` is the loopback of both families (RFC 6761, section 6.3), without asking a resolver:
 * development servers listen on one or the other, and a look-up costs more than the connect.
 */
function lookupOf(host: string): { lookup?: net.LookupFunction; autoSelectFamily: true } {
  if (host.toLowerCase() !== 'localhost') return { autoSelectFamily: true }
  const lookup: net.LookupFunction = (_host, _options, callback) => {
    callback(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 }
    ])
  }
  return { autoSelectFamily: true, lookup }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is unknown: is it spelled right?',
  EAI_AGAIN: 'its name could not be resolved now: is the network up?',
  EACCES: 'no permission: may this user open it?',
  EPERM: 'no permission: may this user open it?',
  EHOSTUNREACH: 'there is no route to it: is the network up?',
  ENETUNREACH: 'there is no route to it: is the network up?',
  ENOTSOCK: 'the file is not a socket',
  EMFILE: 'this process has no more file descriptors: raise `ulimit -n`'
}

function targetError(target: GatewayAddress, error: NodeJS.ErrnoException): Error {
  const what = `the sharer's target ${formatAddress(target)}`
  // A unix socket that is not there is a program that does not run, as is one that nobody reads.
  if (error.code === 'ECONNREFUSED' || (target.kind === 'unix' && error.code === 'ENOENT')) {
    const text = `${what} refused the connection: is the program running?`
    return new TargetRefusedError(text, { cause: error })
  }
  if (error.code === 'ETIMEDOUT') {
    const text = `${what} did not answer: is it overloaded, or behind a firewall?`
    return new TargetTimeoutError(text, { cause: error })
  }
  const advice = ADVICE[error.code ?? ''] ?? error.message
  return new TargetUnreachableError(`${what} cannot be reached: ${advice}`, { cause: error })
}
