import type {
  AbortOptions,
  ComponentLogger,
  ConnectionProtector,
  MessageStream,
  MultiaddrConnection
} from '@libp2p/interface'
import { preSharedKey as pnet } from '@libp2p/pnet'
import { deadline } from '@warren/utils'
import { PreSharedKeyError, toError } from '../errors.ts'
import { whole } from '../options.ts'
import { NonceTap } from './nonce-tap.ts'

/** Options of {@link preSharedKey}. */
export interface PreSharedKeyOptions {
  /**
   * The key of the network: 32 random bytes, or the text of a libp2p key file
   * (`/key/swarm/psk/1.0.0/`, `/base16/`, 64 hex digits, each on its line).
   */
  readonly psk: Uint8Array
  /**
   * Milliseconds for the exchange of nonces; then the upgrade fails.
   *
   * @default 5_000
   */
  readonly nonceTimeout?: number
}

/** What a connection protector takes from its host. */
export interface PreSharedKeyComponents {
  readonly logger?: ComponentLogger
}

/**
 * A private network by pre-shared key, as `connectionProtector` of a swarm: libp2p's `@libp2p/pnet`,
 * wire-compatible, with what it lacks. A peer that merely echoes our bytes would pass it; here the
 * nonces of both ends are compared and an echo is refused.
 *
 * The key keeps strangers out; it does not authenticate and has no forward secrecy, so an upgrader
 * refuses it together with plaintext security.
 *
 * @throws PreSharedKeyError (`ERR_PRE_SHARED_KEY`) when the key is not one
 */
export function preSharedKey(
  options: PreSharedKeyOptions
): (components?: PreSharedKeyComponents) => ConnectionProtector {
  const nonceTimeout = whole(options, 'nonceTimeout')
  let create: () => ConnectionProtector
  try {
    create = pnet({ psk: keyFile(options.psk) })
    create()
  } catch (error) {
    throw new PreSharedKeyError(
      'the pre-shared key is not one: give 32 bytes, or the text of a libp2p key file',
      { cause: error }
    )
  }
  return () => new GuardedProtector(create(), nonceTimeout)
}

class GuardedProtector implements ConnectionProtector {
  readonly #protector: ConnectionProtector
  readonly #nonceTimeout: number

  constructor(protector: ConnectionProtector, nonceTimeout: number) {
    this.#protector = protector
    this.#nonceTimeout = nonceTimeout
  }

  readonly [Symbol.toStringTag] = '@warren/pre-shared-key'

  async protect(
    connection: MessageStream | MultiaddrConnection,
    options: AbortOptions = {}
  ): Promise<MessageStream> {
    options.signal?.throwIfAborted()
    const limit = deadline(
      this.#nonceTimeout,
      () => new PreSharedKeyError(`the peer sent no nonce within ${this.#nonceTimeout} ms`),
      options.signal
    )
    const tap = new NonceTap(connection)
    try {
      const stream = await this.#protector.protect(connection, { signal: limit.signal })
      if (tap.isEcho) throw new PreSharedKeyError('the peer only sends our own bytes back')
      if (tap.isClear) throw new PreSharedKeyError('the peer has no pre-shared key')
      return stream
    } catch (error) {
      throw limit.signal.aborted ? toError(limit.signal.reason) : error
    } finally {
      tap.stop()
      limit.clear()
    }
  }
}

/** The key as the text that libp2p's key files hold. */
function keyFile(psk: Uint8Array): Uint8Array {
  if (psk.byteLength !== 32) return psk
  const hex = Array.from(psk, byte => byte.toString(16).padStart(2, '0')).join('')
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${hex}`)
}
