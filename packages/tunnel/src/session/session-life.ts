/**
 * Where a session stands towards its peer.
 *
 * - `attached`: a stream carries it.
 * - `detached`: no stream does; it waits for one until `until`.
 * - `lingering`: it is over for the application, and is kept (without bytes) so that a peer that has
 *   not heard the last word can be told again.
 * - `gone`: nothing is left of it; the host forgets it.
 */
export type Life =
  | { readonly at: 'attached' }
  | { readonly at: 'detached'; readonly until: number }
  | {
      readonly at: 'lingering'
      /** The last word: `done` after a clean end, `reset` after a local abort. */
      readonly last: 'done' | 'reset'
      readonly attached: boolean
      readonly until: number
    }
  | { readonly at: 'gone' }

/** What moves a session from one state to the next. */
export type LifeEvent =
  /** A stream with a higher epoch carries it from now on. */
  | 'attach'
  /** The stream ended without a last word. */
  | 'detach'
  /** Both ends were reached and confirmed. */
  | 'finish'
  /** This side aborted. */
  | 'abort'
  | 'peer-reset'
  | 'peer-done'
  /** The peer broke the protocol. */
  | 'fault'
  /** The peer has lost the state, or has not come back in time. */
  | 'lose'

/** Legal moves; `spec.md` has the same table. */
export const TRANSITIONS: Record<Life['at'], Partial<Record<LifeEvent, Life['at']>>> = {
  attached: {
    attach: 'attached',
    detach: 'detached',
    finish: 'lingering',
    abort: 'lingering',
    'peer-reset': 'gone',
    fault: 'gone',
    lose: 'gone'
  },
  detached: {
    attach: 'attached',
    finish: 'lingering',
    abort: 'lingering',
    fault: 'gone',
    lose: 'gone'
  },
  lingering: {
    attach: 'lingering',
    detach: 'lingering',
    'peer-reset': 'gone',
    'peer-done': 'gone',
    fault: 'gone',
    lose: 'gone'
  },
  gone: {}
}

/** How a session ended for the application. */
export type Ending =
  | {
      readonly error: Error | undefined
      /** The peer's end had been reached, and everything before it read. */
      readonly readEnded: boolean
    }
  | undefined
