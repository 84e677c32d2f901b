import { takeOne, tryReceiveFrom } from './calls.ts'
import type { Received } from './calls.ts'
import type { ChannelCore } from './channel-core.ts'
import type { Puller } from './channel-port.ts'
import { Place } from './wait-queue.ts'

/** Goes over the values of a channel. A step that still waits when it is left takes no value. */
export class ChannelIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #core: ChannelCore
  /** Steps that wait: several only for those who ask ahead. */
  readonly #waiting = new Set<Place<Puller>>()
  #left = false

  constructor(core: ChannelCore) {
    this.#core = core
  }

  next(): Promise<Received<T>> {
    try {
      if (this.#left) return Promise.resolve({ done: true, value: undefined })
      const received = tryReceiveFrom<T>(this.#core)
      return received === undefined ? this.#wait() : Promise.resolve(received)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  return(): Promise<Received<T>> {
    this.#left = true
    for (const place of this.#waiting) {
      place.leave()
      place.party.end(undefined)
    }
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #wait(): Promise<Received<T>> {
    return new Promise((resolve, reject) => {
      const party = takeOne<T>(
        received => {
          this.#waiting.delete(place)
          resolve(received)
        },
        error => {
          this.#waiting.delete(place)
          reject(error)
        }
      )
      const place = new Place(party, false)
      this.#core.takers.add(place)
      this.#waiting.add(place)
    })
  }
}
