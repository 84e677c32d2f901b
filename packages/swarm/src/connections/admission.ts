import type { AcceptGate } from './accept-gate.ts'

/** Decides by pause and by number whether connections are taken, and moves the gate. */
export class Admission {
  readonly #gate: AcceptGate
  #max: number
  #size = 0
  #paused = false
  #screening = false
  #closed = false

  constructor(gate: AcceptGate, max: number) {
    this.#gate = gate
    this.#max = max
  }

  /** Connections that are allowed in all. */
  get max(): number {
    return this.#max
  }

  /** Whether there are as many as allowed. */
  get full(): boolean {
    return this.#size >= this.#max
  }

  /** Whether anybody may come in now. */
  get takesStrangers(): boolean {
    return !this.#closed && !this.#paused && !this.full
  }

  /** Takes connections in a full house too, to see whether a place is kept for their peers. */
  screen(screening: boolean): void {
    this.#screening = screening
    this.#move()
  }

  setMax(max: number): void {
    this.#max = max
    this.#move()
  }

  resized(size: number): void {
    this.#size = size
    this.#move()
  }

  pause(): void {
    this.#paused = true
    this.#move()
  }

  resume(): void {
    this.#paused = false
    this.#move()
  }

  /** Takes nothing any more, for good. */
  close(): void {
    this.#closed = true
    this.#move()
  }

  #move(): void {
    const shut = this.#closed || this.#paused || (this.full && !this.#screening)
    if (shut) this.#gate.shut()
    else this.#gate.open()
  }
}
