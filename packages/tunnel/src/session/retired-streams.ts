import type { Expiring } from './deadline-queue.ts'
import { SessionClosedError } from './errors.ts'
import type { HostTimer } from './host-timer.ts'
import type { StreamPort } from './stream-port.ts'

/** Streams whose session is over: closed gracefully, and aborted when the peer does not follow. */
export class RetiredStreams {
  readonly #ports = new Map<StreamPort, Expiring>()
  readonly #timer: HostTimer
  readonly #timeout: number
  readonly #onLess: () => void

  /** @param onLess - called whenever a stream is closed */
  constructor(timer: HostTimer, timeout: number, onLess: () => void) {
    this.#timer = timer
    this.#timeout = timeout
    this.#onLess = onLess
  }

  get size(): number {
    return this.#ports.size
  }

  /** What was sent is still delivered. */
  add(port: StreamPort): void {
    const late: Expiring = {
      onDeadline: () => {
        this.#remove(port, late)
        port.abort(new SessionClosedError('the peer did not close the stream in time'))
      }
    }
    this.#ports.set(port, late)
    this.#timer.schedule(late, this.#timer.now() + this.#timeout)
    port.close(() => this.#remove(port, late))
  }

  abortAll(error: Error): void {
    for (const [port, late] of this.#ports) {
      this.#remove(port, late)
      port.abort(error)
    }
  }

  #remove(port: StreamPort, late: Expiring): void {
    if (!this.#ports.delete(port)) return
    this.#timer.unschedule(late)
    this.#onLess()
  }
}
