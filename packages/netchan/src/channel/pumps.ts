import { Place } from './wait-queue.ts'
import type { WaitQueue } from './wait-queue.ts'

/** The pumps of one side of a channel: those that are ready also stand in its queue. */
export class Pumps<P extends { readonly ready: boolean }> {
  readonly #queue: WaitQueue<P>
  readonly #places = new Map<P, Place<P>>()

  constructor(queue: WaitQueue<P>) {
    this.#queue = queue
  }

  attach(pump: P): void {
    this.#places.set(pump, new Place(pump, true))
  }

  detach(pump: P): void {
    this.#places.get(pump)?.leave()
    this.#places.delete(pump)
  }

  /** A pump says that it is ready. */
  wake(pump: P): void {
    const place = this.#places.get(pump)
    if (place !== undefined && place.queue === undefined) this.#queue.add(place)
  }

  /** Detaches all. */
  drain(): P[] {
    const pumps = [...this.#places.keys()]
    for (const pump of pumps) this.detach(pump)
    return pumps
  }
}
