import type { Binding } from '../protocol/binding.ts'
import type { Failure, Kind } from '../protocol/codes.ts'
import type { BindRequest } from '../protocol/frames.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'

/** One importer's wish to be served, found to fit. */
export interface Binder {
  readonly core: LinkCore
  readonly binding: Binding
  readonly request: BindRequest
  /** Who is at the other end. */
  readonly peer: string
}

/** How one importer was served, told when it is over. */
export interface Unbound {
  readonly error: Error | undefined
  /** Values sent to it, and received from it. */
  readonly sent: number
  readonly received: number
  /** Values that were sent to it, or had come from it, and that no application took. */
  readonly undelivered: number
}

/** What everything that can be exported under a name has in common. */
export interface Exported {
  /** What an importer must ask for. */
  readonly kind: Kind
  /** For values that the exporter sends; `undefined` when it sends none. */
  readonly sends: ValueCoder | undefined
  /** For values that it receives. */
  readonly receives: ValueCoder | undefined
  /** Bytes that one importer may make this end hold: reserved while it is bound. */
  readonly reservedBytes: number
  /** No more importers can be served now. */
  readonly isFull: boolean
  /** Accepts the binding, and serves it until `onUnbound` is called, once. */
  serve(binder: Binder, onUnbound: (how: Unbound) => void): void
  /** The name is taken back: whoever is bound hears of it. Returns values that came for nothing. */
  stop(failure: Failure): number
  /** Values that some application is still to take. */
  readonly pending: number
  /** Values re-sent because an importer left, and values dropped by the overload policy. */
  readonly redelivered: number
  readonly dropped: number
  /** See {@link Source}. */
  readonly mark: number
  isTaken(mark: number): boolean
}
