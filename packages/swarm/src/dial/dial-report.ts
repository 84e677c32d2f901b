import type { DialAttempt } from './dial-error.ts'

/** How one dial went, address by address, whether it connected or not. */
export interface DialReport {
  /** The peer that was dialled, or `undefined` when only addresses were known. */
  readonly peer: string | undefined
  /** The address that connected; `undefined` when none did, or the peer itself was faster. */
  readonly connected: DialedAddress | undefined
  /** Every other address, with the step it came to, its time and why it ended. */
  readonly attempts: readonly DialAttempt[]
}

/** The address of a dial that connected. */
export interface DialedAddress {
  readonly address: string
  /** Milliseconds from the start of its attempt to the upgraded connection. */
  readonly duration: number
}
