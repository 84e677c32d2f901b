import type { Connection, Stream, StreamHandlerOptions } from '@libp2p/interface'
import type { ConnectionScope } from '@warren/interface'
import type { ResolvedOptions } from '../options.ts'
import type { UpgraderComponents } from '../types.ts'
import type { ProtocolCounts } from './protocol-counts.ts'

/** What the negotiation of streams needs of its connection. */
export interface StreamContext {
  readonly connection: Connection
  readonly components: UpgraderComponents
  readonly options: ResolvedOptions
  readonly counts: ProtocolCounts
  /** Where the host counts what this connection holds, if it does. */
  readonly scope: ConnectionScope | undefined
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

/** Whether a stream has not ended yet. */
export function isLive(stream: Pick<Stream, 'status'>): boolean {
  return stream.status === 'open' || stream.status === 'closing'
}
