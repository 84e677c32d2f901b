import type { Link, Tunnel } from '@warren/tunnel'
import { describeError, printable } from '@warren/utils'
import { CHANNEL_GRACE } from '../defaults.ts'
import { ChannelUnknownError, PeerTimeoutError, PeerUnreachableError } from '../errors.ts'
import { attemptsOf, describeDial, isTimeout } from './describe-dial.ts'
import type { LinkErrors } from './link-errors.ts'

/** What {@link reach} waits for. */
export interface ReachOptions {
  readonly channel: string
  /** Peer id; without it any peer that shares the channel will do. */
  readonly peer: string | undefined
  /** Milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Resolves once the peer is linked and shares the channel. Attempts that fail are waited out, since
 * the peer may be just starting; a refusal is not.
 *
 * @throws what the peer refuses with; ERR_CHANNEL_UNKNOWN, ERR_PEER_UNREACHABLE, ERR_PEER_TIMEOUT
 */
export async function reach(
  tunnel: Tunnel,
  errors: LinkErrors,
  { channel, peer, timeout, signal }: ReachOptions
): Promise<void> {
  signal?.throwIfAborted()
  const linked = (): Link[] =>
    tunnel
      .links()
      .filter(link => link.state === 'connected' && (peer === undefined || link.peer === peer))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let grace: NodeJS.Timeout | undefined

  const look = (): void => {
    const links = linked()
    if (links.some(link => link.channels.includes(channel))) return resolve()
    const refused = errors.fatal(peer)
    if (refused !== undefined) return reject(refused)
    if (links.length === 0 || peer === undefined) {
      clearTimeout(grace)
      grace = undefined
    } else {
      grace ??= setTimeout(() => reject(unknownChannel(channel, links)), CHANNEL_GRACE)
    }
  }
  const late = setTimeout(() => {
    reject(
      linked().length > 0
        ? unknownChannel(channel, linked())
        : unreachable(channel, peer, timeout, errors.last(peer))
    )
  }, timeout)
  const onAbort = (): void => reject(signal?.reason as Error)
  signal?.addEventListener('abort', onAbort)
  const off = [
    tunnel.on('link', look),
    tunnel.on('unlink', look),
    tunnel.on('channel', look),
    errors.onFailure(look)
  ]
  look()
  const search = new AbortController()
  // Who it finds shows as a link; a tunnel that is closed meanwhile ends the signal above.
  tunnel.look(channel, { signal: search.signal }).catch(() => {})
  try {
    await promise
  } finally {
    search.abort()
    clearTimeout(late)
    clearTimeout(grace)
    signal?.removeEventListener('abort', onAbort)
    for (const stop of off) stop()
  }
}

function unknownChannel(channel: string, links: readonly Link[]): ChannelUnknownError {
  const known = [...new Set(links.flatMap(link => link.channels))].map(name => printable(name, 80))
  return new ChannelUnknownError(
    `the peer is there, but does not share ${JSON.stringify(printable(channel, 80))} now: ` +
      'start "warren share" there again' +
      (known.length === 0 ? '' : `; it shares ${known.join(', ')}`)
  )
}

function unreachable(
  channel: string,
  peer: string | undefined,
  timeout: number,
  cause: Error | undefined
): PeerUnreachableError | PeerTimeoutError {
  const name = JSON.stringify(printable(channel, 80))
  const who = peer === undefined ? `any peer that shares ${name}` : `peer ${peer}, for ${name}`
  const seconds = `${Number((timeout / 1_000).toFixed(1))} s`
  const advice =
    'is "warren share" still running there, and may this machine connect to it? ' +
    '(Behind a port forward it needs --announce.)'
  const silent = cause === undefined || (attemptsOf(cause) ?? [{ error: cause }]).every(isSilence)
  const why = cause === undefined ? '' : ` (${describeDial(cause) ?? describeError(cause, 1_024)})`
  return silent
    ? new PeerTimeoutError(`no answer within ${seconds} from ${who}${why}: ${advice}`, { cause })
    : new PeerUnreachableError(`cannot reach ${who}, within ${seconds}${why}: ${advice}`, { cause })
}

function isSilence({ error }: { readonly error: unknown }): boolean {
  return isTimeout(error)
}
