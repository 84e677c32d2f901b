/** What has happened to a session; see `SessionCore.pollEvent`. */
export type SessionEvent =
  /** The stream is lost; the dialler's shell attaches another. */
  | 'detached'
  | 'resumed'
  /** There are bytes to read, or the peer's end. */
  | 'readable'
  /** There is room again, after `write` returned `false`. */
  | 'writable'
  /** The peer's application has taken more, or lets us send further. */
  | 'confirmed'
  /** It is over for the application: see `SessionCore.ending`. */
  | 'ended'
  /** Forget it: the last output may be sent, then the stream is closed. */
  | 'gone'

/** In the order in which they are told. */
const EVENTS: readonly SessionEvent[] = [
  'detached',
  'resumed',
  'readable',
  'writable',
  'confirmed',
  'ended',
  'gone'
]

/** Events that wait to be told, each at most once: bits, since most calls change one or none. */
export class EventSet {
  #bits = 0

  add(event: SessionEvent): void {
    this.#bits |= 1 << EVENTS.indexOf(event)
  }

  /** Removes and returns the first. */
  take(): SessionEvent | undefined {
    if (this.#bits === 0) return undefined
    const lowest = this.#bits & -this.#bits
    this.#bits ^= lowest
    return EVENTS[31 - Math.clz32(lowest)]
  }
}
