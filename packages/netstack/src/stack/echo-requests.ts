import { NetstackTimeoutError, NetstackUnreachableError } from '../errors.ts'
import { formatAddress, sameAddress } from './address.ts'
import type { Clock } from './clock.ts'

interface Waiting {
  readonly destination: Int32Array
  readonly sentAt: number
  readonly settle: (result: number | Error) => void
}

/** Echo requests that may be under way at once: one for each sequence number. */
const MAX_WAITING = 65536

/** Echo requests of ours that wait for their reply. */
export class EchoRequests {
  readonly #clock: Clock
  /** Ours among those of other programs that ping from the same address. */
  readonly identifier: number
  readonly #waiting = new Map<number, Waiting>()
  #sequence = 0

  constructor(clock: Clock, identifier: number) {
    this.#clock = clock
    this.identifier = identifier
  }

  /**
   * Waits for the reply to a request that `send` sends.
   *
   * @returns the round trip in ms
   */
  async wait(
    destination: Int32Array,
    timeout: number,
    signal: AbortSignal | undefined,
    send: (sequence: number) => void
  ): Promise<number> {
    signal?.throwIfAborted()
    if (this.#waiting.size === MAX_WAITING)
      throw new NetstackUnreachableError('65536 echo requests wait for their replies already')
    do this.#sequence = (this.#sequence + 1) & 0xffff
    while (this.#waiting.has(this.#sequence))
    const sequence = this.#sequence
    return await new Promise((resolve, reject) => {
      const settle = (result: number | Error): void => {
        if (!this.#waiting.delete(sequence)) return
        timer.clear()
        signal?.removeEventListener('abort', onAbort)
        if (typeof result === 'number') resolve(result)
        else reject(result)
      }
      const onAbort = (): void => settle(signal?.reason as Error)
      const timer = this.#clock.timer(() =>
        settle(
          new NetstackTimeoutError(
            `${formatAddress(destination)} did not answer an echo request within ${timeout} ms`
          )
        )
      )
      signal?.addEventListener('abort', onAbort)
      const sentAt = this.#clock.now()
      this.#waiting.set(sequence, { destination, sentAt, settle })
      timer.set(sentAt + timeout)
      send(sequence)
    })
  }

  /** A reply has arrived. */
  onReply(source: Int32Array, identifier: number, sequence: number, now: number): void {
    const waiting = this.#waiting.get(sequence)
    if (identifier !== this.identifier || waiting === undefined) return
    if (sameAddress(waiting.destination, source)) waiting.settle(now - waiting.sentAt)
  }

  /** Ends every wait. */
  close(error: Error): void {
    for (const { settle } of this.#waiting.values()) settle(error)
  }
}
