import { TooManyWaitingError } from '../errors.ts'

/** Calls that wait in one queue: more would be a leak of whoever makes them, not a queue. */
const MAX_WAITING = 65_536

/** Whoever waits: not ready now means that it need not be asked. */
interface Party {
  readonly ready: boolean
}

/** A place in a queue. */
export class Place<P extends Party> {
  readonly party: P
  /** It keeps its turn: a pump. Otherwise a call, which is served once. */
  readonly stays: boolean
  /** The queue that it stands in now. */
  queue: WaitQueue<P> | undefined
  previous: Place<P> | undefined
  next: Place<P> | undefined

  constructor(party: P, stays: boolean) {
    this.party = party
    this.stays = stays
  }

  /** Idempotent. */
  leave(): void {
    this.queue?.remove(this)
  }
}

/** Who waits for values, or with values: served in turn, and free to leave at any time. */
export class WaitQueue<P extends Party> {
  #first: Place<P> | undefined
  #last: Place<P> | undefined
  #calls = 0

  /** How many calls wait; pumps do not count. */
  get calls(): number {
    return this.#calls
  }

  /** @throws code `ERR_CHANNEL_WAITING` */
  add(place: Place<P>): void {
    if (!place.stays) {
      if (this.#calls >= MAX_WAITING) {
        throw new TooManyWaitingError(
          `${MAX_WAITING} calls wait on this channel already: await them before you make more`
        )
      }
      this.#calls++
    }
    place.queue = this
    place.previous = this.#last
    if (this.#last === undefined) this.#first = place
    else this.#last.next = place
    this.#last = place
  }

  remove(place: Place<P>): void {
    if (place.previous === undefined) this.#first = place.next
    else place.previous.next = place.next
    if (place.next === undefined) this.#last = place.previous
    else place.next.previous = place.previous
    place.previous = undefined
    place.next = undefined
    place.queue = undefined
    if (!place.stays) this.#calls--
  }

  /** Somebody is ready. A pump that is not leaves: it comes back by itself. */
  get ready(): boolean {
    for (let place = this.#first; place !== undefined; place = this.#first) {
      if (place.party.ready) return true
      this.remove(place)
    }
    return false
  }

  /** The one whose turn it is: a call leaves the queue, a pump goes to its end. */
  next(): Place<P> | undefined {
    if (!this.ready) return undefined
    const place = this.#first
    // A pump that is alone stays where it is.
    if (place !== undefined && (!place.stays || place.next !== undefined)) {
      this.remove(place)
      if (place.stays) this.add(place)
    }
    return place
  }

  /** Empties the queue. */
  *drain(): Generator<P> {
    for (let place = this.#first; place !== undefined; place = this.#first) {
      this.remove(place)
      yield place.party
    }
  }
}
