import type { Connection, Stream, StreamHandler } from '@libp2p/interface'
import { LimitedConnectionError, TooManyInboundProtocolStreamsError } from '@libp2p/interface'
import { STREAM_CODE } from '@warren/interface'
import { printable } from '@warren/utils'
import { StreamNegotiationTimeoutError, TooManyHeldStreamsError, toError } from '../errors.ts'
import { answerProtocol } from '../multistream/answer-protocol.ts'
import { guardStream } from './guard-stream.ts'
import { iterateByPull } from './iterate-by-pull.ts'
import { handlerFailure, withResetCode } from './reset-code.ts'
import { runMiddleware } from './run-middleware.ts'
import { isLive } from './stream-context.ts'
import type { StreamContext } from './stream-context.ts'
import { StreamPlace } from './stream-place.ts'

/** A stream of the peer, and the place that it takes up. */
interface Arrival {
  readonly stream: Stream
  readonly place: StreamPlace
}

/** A stream that is negotiated, and what serves it. */
interface ReadyStream {
  readonly stream: Stream
  readonly connection: Connection
  readonly handler: StreamHandler
}

type State =
  | { readonly at: 'held'; readonly streams: Arrival[] }
  | { readonly at: 'started' }
  | { readonly at: 'stopped'; readonly error: Error }

/**
 * The streams that the peer opens: held, paused and in order, until the connection is taken; then
 * negotiated and given to their handlers.
 */
export class InboundStreams {
  readonly #context: StreamContext
  #state: State = { at: 'held', streams: [] }

  constructor(context: StreamContext) {
    this.#context = context
  }

  get started(): boolean {
    return this.#state.at === 'started'
  }

  add(stream: Stream): void {
    iterateByPull(stream, this.#context.connection.multiplexer)
    let place: StreamPlace
    try {
      place = new StreamPlace(this.#context, 'inbound')
    } catch (refusal) {
      stream.abort(toError(refusal))
      return
    }
    place.bind(stream)
    switch (this.#state.at) {
      case 'started':
        void this.#serve({ stream, place }) // never rejects
        break
      case 'stopped':
        stream.abort(this.#state.error)
        break
      case 'held':
        this.#hold({ stream, place }, this.#state.streams)
        break
    }
  }

  /** Serves what was held, in the order in which it came, and from now on what comes. */
  start(): void {
    if (this.#state.at !== 'held') return
    const { streams } = this.#state
    this.#state = { at: 'started' }
    for (const arrival of streams) {
      if (!isLive(arrival.stream)) continue
      setReading(arrival.stream, true)
      void this.#serve(arrival) // never rejects
    }
  }

  /** Takes no more streams, and aborts those that were held. */
  stop(error: Error): void {
    const state = this.#state
    if (state.at === 'stopped') return
    this.#state = { at: 'stopped', error }
    if (state.at === 'held') for (const { stream } of state.streams) stream.abort(error)
  }

  #hold(arrival: Arrival, held: Arrival[]): void {
    const { maxHeldStreams } = this.#context.options
    if (held.length >= maxHeldStreams) {
      arrival.stream.abort(
        new TooManyHeldStreamsError(
          `${maxHeldStreams} streams wait for this connection to be taken`
        )
      )
      return
    }
    // So that its window holds the peer back; stock muxers grant more as long as it is not paused.
    setReading(arrival.stream, false)
    held.push(arrival)
  }

  /** Negotiates one stream and runs its handler; whatever fails resets the stream, with a code. */
  async #serve(arrival: Arrival): Promise<void> {
    const { stream } = arrival
    const ms = this.#context.options.streamNegotiationTimeout
    const timeout = (): Error =>
      new StreamNegotiationTimeoutError(`the peer did not negotiate its stream within ${ms} ms`)
    let ready: ReadyStream
    try {
      ready = await guardStream(stream, { ms, timeout }, async () => this.#negotiate(arrival))
    } catch (thrown) {
      this.#fail(stream, toError(thrown))
      return
    }
    try {
      await ready.handler(ready.stream, ready.connection)
    } catch (thrown) {
      this.#fail(stream, handlerFailure(toError(thrown), printable(stream.protocol)))
    }
  }

  #fail(stream: Stream, error: Error): void {
    this.#context.components.logger
      .forComponent('warren:connection')
      .trace('inbound stream %s: %s', printable(stream.protocol), printable(error.message))
    stream.abort(error)
    this.#context.streamEnded(error)
  }

  async #negotiate({ stream, place }: Arrival): Promise<ReadyStream> {
    const { components, options, connection } = this.#context
    const { registrar } = components
    if (stream.protocol === '') {
      stream.protocol = await answerProtocol(stream, registrar.getProtocols())
    }
    const { protocol } = stream
    const record = registrar.getHandler(protocol)
    const max = record.options.maxInboundStreams ?? options.maxInboundStreams
    if (!place.take(protocol, max)) {
      throw withResetCode(
        new TooManyInboundProtocolStreamsError(
          `${max} inbound streams of "${protocol}" are open on this connection`
        ),
        STREAM_CODE.resourceLimit
      )
    }
    place.countFor(stream, protocol)
    if (connection.limits !== undefined && record.options.runOnLimitedConnection !== true) {
      throw withResetCode(
        new LimitedConnectionError(`"${protocol}" does not run on a limited connection`),
        STREAM_CODE.gated
      )
    }
    await this.#context.rememberProtocol(protocol)
    components.metrics?.trackProtocolStream(stream)
    // A copy: registrars may give out the array that they keep.
    const middleware = [...registrar.getMiddleware(protocol)]
    if (middleware.length === 0) return { stream, connection, handler: record.handler }
    return { ...(await runMiddleware(stream, connection, middleware)), handler: record.handler }
  }
}

/** Pauses or resumes reading; a stream whose read side has ended has nothing to pause. */
function setReading(stream: Stream, reading: boolean): void {
  if (stream.readStatus === 'closed' || stream.readStatus === 'closing') return
  if (reading) stream.resume()
  else stream.pause()
}
