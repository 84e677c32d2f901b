import { type AckSample, type Congestion, initialWindow } from './congestion.ts'

/** Slow start and congestion avoidance by the book (RFC 5681, 3465). */
export class NewReno implements Congestion {
  window: number
  threshold = Infinity
  #mss: number
  /** Bytes acknowledged towards the next increase. */
  #credit = 0
  #before = { window: 0, threshold: Infinity }

  constructor(mss: number, segments: number) {
    this.#mss = mss
    this.window = initialWindow(segments, mss)
  }

  acked({ acked }: AckSample): void {
    let left = acked
    if (this.window < this.threshold) {
      const grown = Math.min(this.window + left, Math.max(this.threshold, this.window))
      left -= grown - this.window
      this.window = grown
      if (left <= 0) return
    }
    this.#credit += left
    if (this.#credit >= this.window) {
      this.#credit -= this.window
      this.window += this.#mss
    }
  }

  lost(outstanding: number): void {
    this.#before = { window: this.window, threshold: this.threshold }
    this.threshold = Math.max(Math.floor(outstanding / 2), 2 * this.#mss)
    this.#credit = 0
  }

  timedOut(outstanding: number): void {
    this.lost(outstanding)
    this.window = this.#mss
  }

  undo(): void {
    this.window = Math.max(this.window, this.#before.window)
    this.threshold = this.#before.threshold
  }

  idled(): void {
    this.#credit = 0
  }

  resize(mss: number): void {
    this.window = Math.max(this.window, mss)
    this.#mss = mss
  }
}
