import type { AcceptGate } from './accept-gate.ts'

/** Decides by pause and by number whether connections are taken, and moves the gate. */
export class Admission {
  readonly #gate: AcceptGate
  #max: number
  #size = 0
  #paused = false
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
    if (this.#closed || this.#paused || this.full) this.#gate.shut()
    else this.#gate.open()
  }
}
