import { type AckSample, type Congestion, initialWindow } from './congestion.ts'
import { HyStart } from './hystart.ts'

// Constants of RFC 9438 §4.1 and §4.6.
const C = 0.4
const BETA = 0.7
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)

/** What a spurious loss brings back. */
interface Before {
  window: number
  threshold: number
  maximum: number
  origin: number
  estimate: number
  k: number
  epoch: number
}

/** CUBIC (RFC 9438), with HyStart++ for its slow start. Windows in bytes; the curve in segments. */
export class Cubic implements Congestion {
  window: number
  threshold = Infinity
  #mss: number
  /** Of the slow start under way. */
  #hystart: HyStart | undefined
  /** Where the curve is to be flat, in segments: the window before the last reduction, or less. */
  #maximum = 0
  /** The window before the last reduction, in segments. */
  #prior = 0
  #origin = 0
  /** What Reno would have by now, in segments (§4.3). */
  #estimate = 0
  /** Seconds until the curve is back at its origin. */
  #k = 0
  /** Start of this stage of congestion avoidance in ms; -1 outside. */
  #epoch = -1
  /** Growth of less than one byte, kept. */
  #fraction = 0
  #before: Before | undefined

  constructor(mss: number, segments: number) {
    this.#mss = mss
    this.window = initialWindow(segments, mss)
  }

  acked(sample: AckSample, smoothedRtt: number): void {
    if (this.window < this.threshold) {
      this.#hystart ??= new HyStart()
      const growth = this.#hystart.grow(sample, this.#mss)
      if (growth >= 0) {
        this.window = Math.min(this.window + growth, Math.max(this.threshold, this.window))
        return
      }
      this.threshold = this.window
    }
    this.#hystart = undefined
    this.#avoid(sample, smoothedRtt)
  }

  lost(): void {
    this.#remember()
    this.#reduce()
  }

  timedOut(): void {
    this.lost()
    this.window = this.#mss
    this.#hystart = undefined
  }

  undo(): void {
    const before = this.#before
    if (before === undefined) return
    this.window = Math.max(this.window, before.window)
    this.threshold = before.threshold
    this.#maximum = before.maximum
    this.#origin = before.origin
    this.#estimate = before.estimate
    this.#k = before.k
    this.#epoch = before.epoch
    this.#before = undefined
  }

  idled(idle: number): void {
    // The curve must not have grown meanwhile (§5.8).
    if (this.#epoch >= 0) this.#epoch += idle
  }

  resize(mss: number): void {
    const ratio = this.#mss / mss
    this.#maximum *= ratio
    this.#origin *= ratio
    this.#estimate *= ratio
    this.window = Math.max(this.window, mss)
    this.#mss = mss
  }

  #avoid({ acked, now }: AckSample, smoothedRtt: number): void {
    const window = this.window / this.#mss
    if (this.#epoch < 0) this.#begin(window, now)
    // Reno's growth until it is where the reduction was, then that of today's Reno (§4.3).
    const alpha = this.#estimate >= this.#prior ? 1 : ALPHA
    this.#estimate += (alpha * (acked / this.#mss)) / window
    const time = (now - this.#epoch) / 1000
    if (this.#curve(time) < this.#estimate) {
      if (this.#estimate > window) this.window = Math.floor(this.#estimate * this.#mss)
      return
    }
    // Where the curve will be one round trip ahead, but not more than half as much again (§4.2).
    const target = Math.min(Math.max(this.#curve(time + smoothedRtt / 1000), window), 1.5 * window)
    this.#fraction += ((target - window) / window) * acked
    const whole = Math.floor(this.#fraction)
    this.#fraction -= whole
    this.window += whole
  }

  #curve(seconds: number): number {
    const t = seconds - this.#k
    return C * t * t * t + this.#origin
  }

  #begin(window: number, now: number): void {
    this.#epoch = now
    this.#estimate = window
    if (window < this.#maximum) {
      this.#k = Math.cbrt((this.#maximum - window) / C)
      this.#origin = this.#maximum
    } else {
      this.#k = 0
      this.#origin = window
    }
  }

  #reduce(): void {
    const window = this.window / this.#mss
    this.#prior = window
    // Fast convergence (§4.7): below the last maximum, another flow wants room.
    this.#maximum = window < this.#maximum ? (window * (1 + BETA)) / 2 : window
    // Of the window, not of what is in flight: it only grows while it is used (§4.6).
    this.threshold = Math.max(Math.floor(this.window * BETA), 2 * this.#mss)
    this.#epoch = -1
    this.#fraction = 0
  }

  #remember(): void {
    this.#before = {
      window: this.window,
      threshold: this.threshold,
      maximum: this.#maximum,
      origin: this.#origin,
      estimate: this.#estimate,
      k: this.#k,
      epoch: this.#epoch
    }
  }
}
