import { serviceCapabilities } from '@libp2p/interface'
import type {
  ConnectionEncrypter,
  MessageStream,
  SecureConnectionOptions,
  SecuredConnection
} from '@libp2p/interface'
import type { NoiseExtensions } from '@libp2p/noise'
import type { NoiseComponents } from './components.ts'
import { NOISE_PROTOCOL } from './constants.ts'
import { runHandshake, type HandshakeResult, type Role } from './handshake/handshake.ts'
import { LocalIdentity } from './handshake/local-identity.ts'
import { registerMetrics, type NoiseMetrics } from './metrics.ts'
import { agreedMuxer, answerAsInitiator, offerAsResponder } from './muxers.ts'
import type { ResolvedNoiseOptions } from './options.ts'
import { openConnection } from './stream/open-records.ts'

/** `/noise`: the library's handshake, our records. */
export class NoiseEncrypter implements ConnectionEncrypter<NoiseExtensions> {
  readonly protocol = NOISE_PROTOCOL
  /** See `SafeEarlyMuxers` of `@warren/interface`, and `muxers.ts` for why it holds. */
  readonly safeEarlyMuxers = true
  readonly [Symbol.toStringTag] = '@warren/noise'
  readonly [serviceCapabilities]: string[] = ['@libp2p/connection-encryption']
  readonly #components: NoiseComponents
  readonly #options: ResolvedNoiseOptions
  readonly #identity: LocalIdentity
  readonly #metrics: NoiseMetrics | undefined

  constructor(components: NoiseComponents, options: ResolvedNoiseOptions) {
    this.#components = components
    this.#options = options
    this.#identity = new LocalIdentity(components.privateKey, options.staticNoiseKey)
    this.#metrics =
      components.metrics === undefined ? undefined : registerMetrics(components.metrics)
  }

  secureOutbound(
    stream: MessageStream,
    options?: SecureConnectionOptions
  ): Promise<SecuredConnection<NoiseExtensions>> {
    return this.#secure('initiator', stream, options)
  }

  secureInbound(
    stream: MessageStream,
    options?: SecureConnectionOptions
  ): Promise<SecuredConnection<NoiseExtensions>> {
    return this.#secure('responder', stream, options)
  }

  async #secure(
    role: Role,
    raw: MessageStream,
    options: SecureConnectionOptions = {}
  ): Promise<SecuredConnection<NoiseExtensions>> {
    const muxers = options.skipStreamMuxerNegotiation === true ? [] : this.#configuredMuxers()
    let result: HandshakeResult
    try {
      result = await runHandshake({
        role,
        raw,
        identity: this.#identity,
        options: this.#options,
        remotePeer: options.remotePeer,
        localMuxers: remote =>
          role === 'initiator'
            ? answerAsInitiator(muxers, remote)
            : offerAsResponder(muxers, this.#options.earlyMuxers),
        ...(options.signal === undefined ? {} : { signal: options.signal })
      })
    } catch (error) {
      this.#metrics?.xxHandshakeErrors.increment()
      throw error
    }
    this.#metrics?.xxHandshakeSuccesses.increment()
    const muxer = agreed(role, result)
    const streamMuxer =
      muxer === undefined ? undefined : this.#components.upgrader?.getStreamMuxers().get(muxer)
    return {
      connection: openConnection(raw, role, result, this.#metrics),
      remotePeer: result.remotePeer,
      remoteExtensions: { webtransportCerthashes: [...result.remote.webtransportCerthashes] },
      ...(streamMuxer === undefined ? {} : { streamMuxer })
    }
  }

  #configuredMuxers(): readonly string[] {
    return [...(this.#components.upgrader?.getStreamMuxers().keys() ?? [])]
  }
}

function agreed(role: Role, { localMuxers, remote }: HandshakeResult): string | undefined {
  return role === 'initiator'
    ? agreedMuxer(localMuxers, remote.streamMuxers)
    : agreedMuxer(remote.streamMuxers, localMuxers)
}
