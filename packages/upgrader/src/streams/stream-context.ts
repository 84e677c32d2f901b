import type { Connection, Stream, StreamCloseEvent, StreamHandlerOptions } from '@libp2p/interface'
import type { ResolvedOptions } from '../options.ts'
import type { UpgraderComponents } from '../types.ts'
import type { ProtocolCounts } from './protocol-counts.ts'
import type { StreamAccounting } from './stream-accounting.ts'

/** What the negotiation of streams needs of its connection. */
export interface StreamContext {
  readonly connection: Connection
  readonly components: UpgraderComponents
  readonly options: ResolvedOptions
  readonly counts: ProtocolCounts
  readonly accounting: StreamAccounting
  /** Whether the peer has spoken a protocol on this connection. */
  readonly knows: (protocol: string) => boolean
  /** Tells the peer store of a protocol that the peer speaks, once. */
  rememberProtocol(protocol: string): Promise<void>
  /** Called when a stream has ended, with its error. */
  streamEnded(error: Error | undefined): void
}

/** The options that a protocol was registered with; none when it has no handler. */
export function handlerOptions(context: StreamContext, protocol: string): StreamHandlerOptions {
  try {
    return context.components.registrar.getHandler(protocol).options
  } catch (error) {
    if (error instanceof Error && error.name === 'UnhandledProtocolError') return {}
    throw error
  }
}

/** Takes a negotiated stream off the count of its protocol when it ends; now, if it has ended. */
export function uncountAtEnd(context: StreamContext, stream: Stream, protocol: string): void {
  const { direction } = stream
  if (!isLive(stream)) {
    context.counts.remove(protocol, direction)
    return
  }
  const onClose = (event: StreamCloseEvent): void => {
    context.counts.remove(protocol, direction)
    context.streamEnded(event.error)
  }
  stream.addEventListener('close', onClose, { once: true })
}

/** Whether a stream has not ended yet. */
export function isLive(stream: Pick<Stream, 'status'>): boolean {
  return stream.status === 'open' || stream.status === 'closing'
}
