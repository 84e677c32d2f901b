import { connect as netConnect, type Socket } from 'node:net'
import { printEndpoint, type Endpoint } from './address.ts'
import { ConnectError, ConnectTimeoutError } from './errors.ts'
import type { ResolvedTcpOptions } from './options.ts'

/** What to do about a dial that failed, by the system's code. */
const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: check that the peer runs and that the port is right',
  ECONNRESET: 'the peer hung up at once: it may be full, or not speak this protocol',
  EHOSTUNREACH: 'there is no route to that host: check the network and the address',
  ENETUNREACH: 'there is no route to that network: check the network and the address',
  ENOTFOUND: 'no such host name: check its spelling',
  EAI_AGAIN: 'the name could not be resolved: check the DNS settings',
  EADDRNOTAVAIL: 'no local address or port is left for it',
  EACCES: 'not permitted: check the permissions of the socket file or the firewall',
  ENOENT: 'there is no such socket file: check that the peer runs and the path is right',
  ENOTSOCK: 'the file is not a socket',
  EMFILE: 'the process has too many open files: raise `ulimit -n`'
}

/**
 * Connects to `endpoint`.
 *
 * The signal is not given to `net.connect`, which would destroy the socket whenever it fires: once
 * this has resolved, nothing of the signal is left on the socket.
 *
 * @throws ConnectTimeoutError, ConnectError, or the signal's reason
 */
export function connect(
  endpoint: Endpoint,
  options: ResolvedTcpOptions,
  signal: AbortSignal
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = netConnect({
      ...target(endpoint),
      // The conn answers the peer's FIN itself, after what is pending has left.
      allowHalfOpen: true,
      noDelay: options.noDelay,
      keepAlive: options.keepAlive,
      keepAliveInitialDelay: options.keepAliveInitialDelay
    })
    // Stays for the socket's life: an error between here and its conn's listener must not be fatal.
    socket.on('error', () => {})
    const timer = setTimeout(() => {
      fail(
        new ConnectTimeoutError(
          `${printEndpoint(endpoint)} did not answer within ${options.connectTimeout} ms: it is down, unreachable, or a firewall drops the packets`
        )
      )
    }, options.connectTimeout)
    const onAbort = (): void => fail(signal.reason as Error)
    const onError = (cause: NodeJS.ErrnoException): void => fail(connectError(endpoint, cause))
    const onConnect = (): void => {
      // A dial of a free local port can meet itself (simultaneous open).
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
        if (endpoint.kind === 'tcp') {
          fail(connectError(endpoint, Object.assign(new Error('self'), { code: 'ECONNREFUSED' })))
          return
        }
      }
      settle()
      resolve(socket)
    }
    function settle(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('connect', onConnect)
    }
    function fail(error: Error): void {
      settle()
      socket.destroy()
      reject(error)
    }
    signal.addEventListener('abort', onAbort)
    socket.on('error', onError)
    socket.on('connect', onConnect)
  })
}

function target(
  endpoint: Endpoint
): { path: string } | { host: string; port: number; family: 0 | 4 | 6 } {
  if (endpoint.kind === 'unix') return { path: endpoint.path }
  const { host, port, family } = endpoint
  return { host, port, family }
}

function connectError(endpoint: Endpoint, cause: NodeJS.ErrnoException): ConnectError {
  const advice = ADVICE[cause.code ?? '']
  return new ConnectError(
    `cannot connect to ${printEndpoint(endpoint)}: ${cause.code ?? cause.message}${advice === undefined ? '' : `, ${advice}`}`,
    { cause }
  )
}
