import type {
  Connection,
  ConnectionLimits,
  ConnectionStatus,
  Logger,
  MessageStream,
  MessageStreamDirection,
  MessageStreamEvents,
  MultiaddrConnection,
  MultiaddrConnectionTimeline,
  NewStreamOptions,
  PeerId,
  Stream,
  StreamMuxer
} from '@libp2p/interface'
import {
  ConnectionClosedError,
  LimitedConnectionError,
  StreamCloseEvent,
  connectionSymbol
} from '@libp2p/interface'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { STREAM_CODE, goAwayCodeOf } from '@warren/interface'
import type { CodedCloseOptions, ConnectionScope } from '@warren/interface'
import { EventEmitter, deadline, describeError, waitFor } from '@warren/utils'
import { closeStreams } from './close-streams.ts'
import {
  ConnectionCloseTimeoutError,
  ConnectionEndedError,
  ConnectionNotMuxedError,
  toError
} from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import { InboundStreams } from './streams/inbound-streams.ts'
import { openStream } from './streams/open-stream.ts'
import { ProtocolCounts } from './streams/protocol-counts.ts'
import { isLive } from './streams/stream-context.ts'
import type { StreamContext } from './streams/stream-context.ts'
import type { UpgraderComponents } from './types.ts'
import { expectedPeer } from './upgrade/expected-peer.ts'

/** What an upgraded conn is made of. */
export interface CapableConnectionInit {
  readonly id: string
  readonly maConn: MultiaddrConnection
  /** The secured conn that the muxer runs on. */
  readonly stream: MessageStream
  readonly muxer?: StreamMuxer
  readonly remotePeer: PeerId
  readonly direction: MessageStreamDirection
  readonly encryption: string
  readonly limits?: ConnectionLimits
  /** Where its streams are counted. */
  readonly scope?: ConnectionScope
}

/** Milliseconds that the code of an abort gets to leave before the conn is torn down. */
const LAST_WORDS = 1_000

const P2P = { code: CODE_P2P, name: 'p2p' } as const

type ConnectionEvents = Omit<MessageStreamEvents, 'drain' | 'message' | 'end'>

/**
 * A capable conn: libp2p's `Connection` over one upgraded conn and its muxer. Streams of the peer
 * are held until {@link CapableConnection.startStreams}.
 */
export class CapableConnection extends EventEmitter<ConnectionEvents> implements Connection {
  readonly [connectionSymbol] = true
  readonly [Symbol.toStringTag] = 'Connection'
  readonly id: string
  readonly remoteAddr: Multiaddr
  readonly remotePeer: PeerId
  readonly direction: MessageStreamDirection
  readonly timeline: MultiaddrConnectionTimeline
  readonly direct: boolean
  readonly encryption: string
  readonly multiplexer?: string
  readonly limits?: ConnectionLimits
  /** Round trip in milliseconds, as whoever measures it has last set it. */
  rtt?: number
  readonly #maConn: MultiaddrConnection
  readonly #stream: MessageStream
  readonly #muxer: StreamMuxer | undefined
  readonly #inbound: InboundStreams
  readonly #context: StreamContext
  /** Protocols that the peer spoke, and the peer store was told of. */
  #remembered: Set<string> | undefined
  readonly #scope: ConnectionScope | undefined
  #closing: Promise<void> | undefined
  #lastWords: Promise<void> | undefined
  #ended = false

  constructor(
    components: UpgraderComponents,
    options: ResolvedOptions,
    init: CapableConnectionInit
  ) {
    super()
    const { maConn, muxer, remotePeer } = init
    this.id = init.id
    this.remotePeer = remotePeer
    this.direction = init.direction
    this.encryption = init.encryption
    this.timeline = maConn.timeline
    this.timeline.upgraded = Date.now()
    this.remoteAddr =
      expectedPeer(maConn.remoteAddr) === undefined
        ? withPeer(maConn.remoteAddr, remotePeer)
        : maConn.remoteAddr
    this.direct = !this.remoteAddr.getComponents().some(({ name }) => name === 'p2p-circuit')
    if (init.limits !== undefined) this.limits = init.limits
    if (muxer !== undefined) this.multiplexer = muxer.protocol
    this.#maConn = maConn
    this.#stream = init.stream
    this.#muxer = muxer
    this.#scope = init.scope
    this.#context = {
      connection: this,
      components,
      options,
      counts: new ProtocolCounts(),
      scope: init.scope,
      knows: protocol => this.#remembered?.has(protocol) === true,
      rememberProtocol: async protocol => this.#rememberProtocol(protocol),
      streamEnded: error => this.#checkMuxer(error)
    }
    this.#inbound = new InboundStreams(this.#context)
    // At once: a muxer without a listener keeps few streams, or none.
    muxer?.addEventListener('stream', event => this.#inbound.add(event.detail))
    maConn.addEventListener('close', event => this.#end(event.error, event.local), { once: true })
  }

  get log(): Logger {
    return this.#maConn.log
  }

  get streams(): Stream[] {
    return this.#muxer?.streams ?? []
  }

  get status(): ConnectionStatus {
    const { status } = this.#maConn
    return status === 'open' && this.#closing !== undefined ? 'closing' : status
  }

  /** Lets the peer's streams reach their handlers: first those that were held, in order. Idempotent. */
  startStreams(): void {
    if (this.status !== 'open') return
    this.#inbound.start()
    this.#checkMuxer(undefined)
  }

  /**
   * Opens a stream and negotiates the first of `protocols` that the peer speaks, within the signal
   * and `streamNegotiationTimeout`. With `negotiateFully: false` and one protocol, or several of which
   * the peer is known to speak one, the peer's answer is not waited for: what is sent goes behind the
   * proposal, and when the peer does not agree the stream ends with that error, for its readers.
   *
   * @throws the signal's reason; `ERR_STREAM_NEGOTIATION_TIMEOUT`; and libp2p's own by name:
   * `UnsupportedProtocolError`, `TooManyOutboundProtocolStreamsError`, `LimitedConnectionError`,
   * `ConnectionClosedError`
   */
  async newStream(protocols: string | string[], options: NewStreamOptions = {}): Promise<Stream> {
    options.signal?.throwIfAborted()
    const muxer = this.#muxer
    if (muxer === undefined) {
      throw new ConnectionNotMuxedError('this connection carries no streams: it has no muxer')
    }
    if (this.status !== 'open' || muxer.status !== 'open') {
      this.#checkMuxer(undefined)
      throw new ConnectionClosedError(
        `the connection is ${this.status} and its muxer ${muxer.status}: dial again`
      )
    }
    if (this.limits !== undefined && options.runOnLimitedConnection !== true) {
      throw new LimitedConnectionError(
        'no stream is opened on a limited (relayed) connection without runOnLimitedConnection'
      )
    }
    const list = Array.isArray(protocols) ? protocols : [protocols]
    options.onProgress?.({
      type: 'connection:open-stream',
      detail: { connection: this, protocols: list }
    })
    const stream = await openStream(this.#context, muxer, list, options)
    options.onProgress?.({
      type: 'connection:opened-stream',
      detail: { connection: this, stream }
    })
    return stream
  }

  /** The code with which the peer said that it ends the connection, where the muxer tells. */
  get remoteGoAway(): number | undefined {
    const code: unknown = this.#muxer && Reflect.get(this.#muxer, 'remoteGoAway')
    return typeof code === 'number' ? code : undefined
  }

  /**
   * Ends the write side of every stream, waits for the peer to end its sides, then closes muxer and
   * conn; the peer is told `reason`. What is left after `closeTimeout` is aborted. Idempotent.
   *
   * @throws the signal's reason; the connection is aborted then
   */
  async close(options: CodedCloseOptions = {}): Promise<void> {
    if (this.#ended) return
    this.#closing ??= this.#close(options)
    await waitFor(this.#closing, options.signal)
  }

  /**
   * Ends it at once; what was under way is lost. An error with a `goAwayCode` resets all streams and
   * is told to the peer, which takes up to a second more. Idempotent.
   */
  abort(error: Error): void {
    this.#inbound.stop(error)
    if (this.#lastWords === undefined && this.status === 'open' && this.#canTell(error)) {
      this.#lastWords = this.#tell(error)
      this.#closing = this.#lastWords
    } else {
      this.#destroy(error)
    }
  }

  /** Resolves when the code of an abort has left or its time is over; `undefined` without one. */
  get lastWords(): Promise<void> | undefined {
    return this.#lastWords
  }

  #canTell(error: Error): boolean {
    return goAwayCodeOf(error) !== undefined && this.#muxer?.status === 'open'
  }

  async #tell(error: Error): Promise<void> {
    const limit = deadline(LAST_WORDS, () => error)
    try {
      this.#muxer?.abort(error)
      await waitFor(this.#closeConn(limit.signal), limit.signal)
    } catch {
      this.#destroy(error)
    } finally {
      limit.clear()
    }
  }

  #destroy(error: Error): void {
    for (const abortable of [this.#muxer, this.#stream, this.#maConn]) {
      try {
        abortable?.abort(error)
      } catch (thrown) {
        // A muxer says goodbye on a conn that may be gone already.
        this.log('while aborting: %s', describeError(thrown))
      }
    }
  }

  async #close({ signal, reason }: CodedCloseOptions): Promise<void> {
    const { closeTimeout } = this.#context.options
    this.#inbound.stop(
      Object.assign(new ConnectionEndedError('the connection is closing'), {
        resetCode: STREAM_CODE.shutdown
      })
    )
    const limit = deadline(
      closeTimeout,
      () =>
        new ConnectionCloseTimeoutError(`the connection did not close within ${closeTimeout} ms`),
      signal
    )
    try {
      await waitFor(this.#closeInOrder(limit.signal, reason), limit.signal)
    } catch (thrown) {
      this.#destroy(toError(thrown))
      if (signal?.aborted === true) throw thrown
    } finally {
      limit.clear()
    }
  }

  async #closeInOrder(signal: AbortSignal, reason: number | undefined): Promise<void> {
    await closeStreams(this.streams, signal)
    const options: CodedCloseOptions = reason === undefined ? { signal } : { signal, reason }
    await this.#muxer?.close(options)
    await this.#closeConn(signal)
  }

  async #closeConn(signal: AbortSignal): Promise<void> {
    // The secured conn first: it may still hold bytes that the conn has not seen.
    await this.#stream.close({ signal })
    await this.#maConn.close({ signal })
  }

  /** Once, when the conn has ended, whoever ended it. */
  #end(error: Error | undefined, local: boolean | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const reason = error ?? new ConnectionEndedError('the connection has ended')
    this.#inbound.stop(reason)
    // Streams end before their connection; most muxers have seen to it by now.
    for (const stream of this.streams.filter(isLive)) stream.abort(reason)
    this.#scope?.close()
    this.dispatchEvent(new StreamCloseEvent(local, error))
  }

  /** A connection whose muxer has ended is of no use to anyone: it ends in the same way. */
  #checkMuxer(error: Error | undefined): void {
    const muxer = this.#muxer
    if (muxer === undefined || muxer.status === 'open' || this.status !== 'open') return
    // A muxer ends its streams one after the other: let it finish.
    queueMicrotask(() => {
      if (this.status !== 'open') return
      if (error !== undefined) this.abort(error)
      else this.close().catch((thrown: unknown) => this.abort(toError(thrown)))
    })
  }

  async #rememberProtocol(protocol: string): Promise<void> {
    const { peerStore } = this.#context.components
    if (this.#remembered?.has(protocol) === true) return
    this.#remembered ??= new Set()
    this.#remembered.add(protocol)
    if (peerStore === undefined) return
    try {
      await peerStore.merge(this.remotePeer, { protocols: [protocol] })
    } catch (error) {
      this.#remembered.delete(protocol)
      this.log('cannot remember that the peer speaks %s: %s', protocol, describeError(error))
    }
  }
}

/** By components: parsing text would cost more, and leave it in pieces of one character. */
function withPeer(addr: Multiaddr, peer: PeerId): Multiaddr {
  return multiaddr([...addr.getComponents(), { ...P2P, value: peer.toString() }])
}
