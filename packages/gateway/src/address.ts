import { isAbsolute } from 'node:path'
import { AddressInvalidError, AddressUnsupportedError, UnixPathError } from './errors.ts'

/** An address of a program beside Warren: where a share connects to, or where an opening listens. */
export type GatewayAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

/**
 * Bytes of the longest path of a unix socket. `sun_path` is 108 bytes with its NUL; what is longer
 * is cut by some versions of Node without a word, so that another file would be used.
 */
export const MAX_UNIX_PATH_BYTES = 107

/** Host of a target given as a bare port: both loopback families are tried. */
const TARGET_HOST = 'localhost'
/** Host of a listen address given as a bare port: nothing outside this machine reaches it. */
const LISTEN_HOST = '127.0.0.1'

const SUPPORTED = 'what works is tcp://host:port, host:port, a port, and unix:/absolute/path'

/**
 * The target of a share: `tcp://host:port`, `unix:/path`, or the shorthands `host:port` and `port`
 * (on `localhost`).
 *
 * @throws AddressInvalidError, AddressUnsupportedError, UnixPathError
 */
export function parseTarget(text: string | number): GatewayAddress {
  const address = parse(text, 'target', TARGET_HOST)
  if (address.kind === 'tcp' && address.port === 0) {
    throw new AddressInvalidError(`invalid target "${text}": port 0 cannot be connected to`)
  }
  return address
}

/**
 * The address an opening listens on: as {@link parseTarget}, but a bare port is one of `127.0.0.1`,
 * and port 0 lets the system choose.
 *
 * @throws AddressInvalidError, AddressUnsupportedError, UnixPathError
 */
export function parseListen(text: string | number): GatewayAddress {
  return parse(text, 'listen address', LISTEN_HOST)
}

/** The address as a URL: `tcp://host:port` or `unix:/path`. */
export function formatAddress(address: GatewayAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `tcp://${host}:${address.port}`
}

function parse(input: string | number, what: string, defaultHost: string): GatewayAddress {
  const text = String(input).trim()
  if (/^unix:/i.test(text)) return { kind: 'unix', path: checkUnixPath(unixPath(text)) }
  const scheme = /^([a-z][a-z0-9+.-]*):(?=\/)/i.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'tcp') throw unsupported(text, scheme, what)
  const rest = scheme === undefined ? text : text.slice('tcp://'.length)
  if (scheme === 'tcp' && !/^tcp:\/\//i.test(text)) throw invalid(text, what)
  const match = /^(?:(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^\s:/[\]@?#]*)):)?(\d{1,5})\/?$/i.exec(
    rest
  )
  const port = Number(match?.[3])
  if (match === null) throw invalid(text, what)
  if (port > 65_535) {
    throw new AddressInvalidError(`invalid ${what} ${JSON.stringify(text)}: ports end at 65535`)
  }
  const host = match[1] ?? match[2] ?? ''
  return { kind: 'tcp', host: host === '' ? defaultHost : host, port }
}

/** `unix:/path` and `unix:///path` are the same. */
function unixPath(text: string): string {
  const rest = text.slice('unix:'.length)
  return rest.startsWith('///') ? rest.slice(2) : rest
}

/**
 * The path, if a unix socket may be there: absolute, without `.` or `..`, no NUL, at most
 * {@link MAX_UNIX_PATH_BYTES} bytes.
 *
 * @throws UnixPathError
 */
export function checkUnixPath(path: string): string {
  const bytes = Buffer.byteLength(path)
  const why = path.includes('\0')
    ? 'it contains a NUL byte'
    : !isAbsolute(path) || path.startsWith('//')
      ? 'it must be absolute, such as unix:/run/user/1000/app.sock'
      : path.split('/').some(part => part === '.' || part === '..')
        ? 'it must not contain "." or ".."'
        : path.endsWith('/')
          ? 'it names a directory'
          : bytes > MAX_UNIX_PATH_BYTES
            ? `it has ${bytes} bytes and a unix socket at most ${MAX_UNIX_PATH_BYTES}: use a shorter directory`
            : undefined
  if (why !== undefined) {
    throw new UnixPathError(`cannot use ${JSON.stringify(path)} as a unix socket: ${why}`)
  }
  return path
}

function invalid(text: string, what: string): AddressInvalidError {
  return new AddressInvalidError(`invalid ${what} ${JSON.stringify(text)}: ${SUPPORTED}`)
}

function unsupported(text: string, scheme: string, what: string): AddressUnsupportedError {
  const advice =
    scheme === 'http' || scheme === 'https' ? `; for an HTTP server use tcp:// and its port` : ''
  return new AddressUnsupportedError(
    `cannot use the ${what} ${JSON.stringify(text)}: ${scheme}:// is not supported yet; ${SUPPORTED}${advice}`
  )
}
