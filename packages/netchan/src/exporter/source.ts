import type { Failure } from '../protocol/codes.ts'
import type { Outlet, OutletInit } from './outlet.ts'

/** What a source tells of itself. */
export interface SourceHooks {
  /** Something went wrong that no call waits for. */
  report(error: Error): void
  /** Values were confirmed: whoever waits for `sync` or `drain` looks again. */
  onProgress(): void
  /** An importer is served no more; `unconfirmed` values had been sent to it for nothing. */
  onGone(outlet: Outlet, unconfirmed: number, error: Error | undefined): void
}

/** An exported channel that sends, and its importers. */
export interface Source {
  /** What an importer leaves unconfirmed goes to another. */
  readonly redelivers: boolean
  /** Values accepted by the local channel and confirmed by nobody. */
  readonly pending: number
  /** A place in the order of values: behind all that were sent before now. */
  readonly mark: number
  /** Everything before the mark has been taken by an application (or dropped, as declared). */
  isTaken(mark: number): boolean
  /** Values that had to be sent again because an importer left. */
  readonly redelivered: number
  /** Values that an importer lost by the overload policy. */
  readonly dropped: number
  /** Another importer, to be served from {@link Source.start} on. */
  add(init: Omit<OutletInit, 'owner'>): Outlet
  /** Begins to serve it: that may be over at once, when there is nothing more to send. */
  start(outlet: Outlet): void
  /** Serves nobody any more. */
  stop(failure: Failure | undefined): void
}
