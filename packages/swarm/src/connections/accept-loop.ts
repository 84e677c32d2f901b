import type { Connection } from '@libp2p/interface'
import type { AcceptGate } from './accept-gate.ts'

/** Where an accept loop takes connections from: the accept queue of one listener. */
export interface AcceptSource {
  /** The next upgraded connection; rejects when the signal fires or the source is closed. */
  accept(signal: AbortSignal): Promise<Connection>
}

/**
 * Takes connections out of one accept queue as long as the gate is open, and hands each to `take`.
 * Ends when `signal` fires or the source is closed. Never rejects.
 */
export async function acceptLoop(
  source: AcceptSource,
  gate: AcceptGate,
  signal: AbortSignal,
  take: (connection: Connection) => void
): Promise<void> {
  while (!signal.aborted) {
    let open: AbortSignal
    try {
      open = await gate.pass(signal)
    } catch {
      return
    }
    // One signal for as long as the gate stays open, not one per connection.
    const either = AbortSignal.any([open, signal])
    while (!either.aborted) {
      try {
        take(await source.accept(either))
      } catch {
        // Either the gate was shut, and the next round waits for it, or the queue is closed.
        if (!either.aborted) return
      }
    }
  }
}
