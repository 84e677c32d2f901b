import { chmodSync, existsSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import net from 'node:net'
import { dirname } from 'node:path'
import { formatAddress } from '../address.ts'
import type { GatewayAddress } from '../address.ts'
import { ListenAddressInUseError, ListenFailedError, UnixPathError } from '../errors.ts'

/** Mode of a listening unix socket: its owner alone may connect. */
const SOCKET_MODE = 0o600

/**
 * Binds a server and says where. A unix socket has mode 0600 from its first moment; one that is
 * there already is removed if it is a socket and nobody answers on it.
 *
 * @throws ListenAddressInUseError, ListenFailedError, UnixPathError
 */
export async function listen(
  server: net.Server,
  address: GatewayAddress,
  signal?: AbortSignal
): Promise<GatewayAddress> {
  signal?.throwIfAborted()
  try {
    await bind(server, address)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || address.kind !== 'unix') throw listenError(address, error)
    await removeStale(address, error)
    try {
      await bind(server, address)
    } catch (again) {
      throw listenError(address, again)
    }
  }
  if (signal?.aborted === true) {
    server.close()
    throw signal.reason
  }
  const bound = server.address()
  if (address.kind === 'unix' || bound === null || typeof bound === 'string') return address
  return { kind: 'tcp', host: bound.address, port: bound.port }
}

async function bind(server: net.Server, address: GatewayAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      server.off('error', settle)
      server.off('listening', onListening)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onListening = (): void => settle()
    server.on('error', settle)
    server.on('listening', onListening)
    if (address.kind === 'tcp') server.listen({ host: address.host, port: address.port })
    else withPrivateUmask(() => server.listen({ path: address.path }))
  })
  if (address.kind === 'unix') chmodSync(address.path, SOCKET_MODE)
}

/**
 * Runs `bindNow`, which creates a file before it returns, with a umask that leaves it to its owner:
 * a `chmod` alone comes after the first moment at which others could connect. A worker thread
 * cannot change the umask; there the `chmod` has to do.
 */
function withPrivateUmask(bindNow: () => void): void {
  let before: number | undefined
  try {
    before = process.umask(0o177)
  } catch {
    before = undefined
  }
  try {
    bindNow()
  } finally {
    if (before !== undefined) process.umask(before)
  }
}

/** Removes the socket of a program that has died. Nothing else is ever removed. */
async function removeStale(
  address: GatewayAddress & { readonly kind: 'unix' },
  cause: unknown
): Promise<void> {
  const { path } = address
  // lstat, not stat: a link is not followed, and not removed.
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) {
    const text = `cannot listen on ${formatAddress(address)}: there is a file that is not a socket`
    throw new UnixPathError(`${text}; choose another path, or remove it`, { cause })
  }
  if (await answers(path)) throw listenError(address, cause)
  await unlink(path).catch(() => {})
}

async function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = net.connect({ path })
    const settle = (answer: boolean): void => {
      probe.destroy()
      resolve(answer)
    }
    probe.on('connect', () => settle(true))
    // Only a refusal says that nobody is there; with anything else it is not ours to remove.
    probe.on('error', error => settle(codeOf(error) !== 'ECONNREFUSED'))
  })
}

function listenError(address: GatewayAddress, error: unknown): Error {
  const what = `cannot listen on ${formatAddress(address)}`
  // libuv says EACCES for a directory that is not there.
  const missing = address.kind === 'unix' && !existsSync(dirname(address.path))
  const code = missing ? 'ENOENT' : codeOf(error)
  const cause = { cause: error }
  if (code === 'EADDRINUSE') {
    const other = address.kind === 'tcp' ? 'another port, or 0 for any free one' : 'another path'
    const text = `${what}: another program listens there; choose ${other}, or stop that program`
    return new ListenAddressInUseError(text, cause)
  }
  const advice: Record<string, string> = {
    EACCES:
      address.kind === 'tcp'
        ? 'no permission; choose a port of 1024 or above'
        : 'no permission to create a file there; choose another directory',
    EADDRNOTAVAIL: 'the address is not one of this machine; use 127.0.0.1 or 0.0.0.0',
    ENOTFOUND: 'the host name is unknown; use an IP address',
    ENOENT: 'the directory does not exist; create it first',
    ENOTDIR: 'a part of the path is not a directory'
  }
  const why = advice[code ?? ''] ?? (error instanceof Error ? error.message : String(error))
  return new ListenFailedError(`${what}: ${why}`, cause)
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
