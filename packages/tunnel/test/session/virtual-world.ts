/** Seeded random numbers (xorshift32, after two rounds of a mixer so that near seeds differ). */
export class Random {
  #state: number

  constructor(seed: number) {
    let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    this.#state = (x ^ (x >>> 16)) | 1
  }

  /** In [0, 1). */
  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) / 0x1_0000_0000
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  /** Like {@link int}, with small numbers as likely as large ones. */
  size(min: number, max: number): number {
    return Math.round(min * (max / min) ** this.next())
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }
}

interface Task {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: tasks run in order of time, and of scheduling where the time is equal. */
export class Clock {
  now = 0
  readonly #heap: Task[] = []
  #order = 0

  after(delay: number, run: () => void): void {
    const heap = this.#heap
    const task = { at: this.now + delay, order: this.#order++, run }
    let i = heap.length
    heap.push(task)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Task
      if (isBefore(above, task)) break
      heap[i] = above
      i = parent
    }
    heap[i] = task
  }

  /** Runs the next task; `false` when there is none. */
  step(): boolean {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return false
    if (heap.length > 0) {
      let i = 0
      for (;;) {
        let child = 2 * i + 1
        if (child >= heap.length) break
        const right = heap[child + 1]
        if (right !== undefined && isBefore(right, heap[child] as Task)) child++
        if (isBefore(last, heap[child] as Task)) break
        heap[i] = heap[child] as Task
        i = child
      }
      heap[i] = last
    }
    this.now = Math.max(this.now, first.at)
    first.run()
    return true
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** What one end of a {@link Wire} hears. */
export interface WireEnd {
  onBytes(chunk: Uint8Array): void
  onDrain(): void
  onClosed(): void
}

/** One direction of a wire. */
interface Pipe {
  readonly to: WireEnd
  readonly latency: number
  /** Bytes in flight above which `send` says `false`. */
  readonly capacity: number
  inFlight: number
  lastArrival: number
  full: boolean
}

/**
 * A stream between two ends that delivers in order, in pieces of its own choice, and is cut after
 * a number of bytes: what is behind the cut is lost, and each end hears of it in its own time.
 */
export class Wire {
  readonly #clock: Clock
  readonly #random: Random
  readonly #pipes: [Pipe, Pipe]
  #left: number
  readonly #onCut: () => void
  readonly #deaf = new Set<WireEnd>()
  #cut = false

  constructor(
    clock: Clock,
    random: Random,
    ends: readonly [WireEnd, WireEnd],
    cutAfter: number,
    onCut: () => void
  ) {
    this.#clock = clock
    this.#random = random
    this.#left = cutAfter
    this.#onCut = onCut
    const pipe = (to: WireEnd): Pipe => ({
      to,
      latency: random.next() * 20,
      capacity: random.size(200, 200_000),
      inFlight: 0,
      lastArrival: 0,
      full: false
    })
    this.#pipes = [pipe(ends[1]), pipe(ends[0])]
    if (cutAfter === 0) this.#cutNow()
  }

  /** Sends from end 0 or 1. @returns `false` when the end should wait for `onDrain` */
  send(from: 0 | 1, chunks: readonly Uint8Array[]): boolean {
    const pipe = this.#pipes[from]
    for (const chunk of chunks) {
      if (this.#cut) return true
      const fits = Math.min(chunk.length, this.#left)
      this.#left -= fits
      this.#deliver(pipe, chunk.subarray(0, fits))
      if (this.#left === 0) this.#cutNow()
    }
    pipe.full = pipe.inFlight > pipe.capacity
    return !pipe.full
  }

  /** An end lets go: the other hears of it. */
  close(from: 0 | 1): void {
    this.#deaf.add(this.#pipes[from === 0 ? 1 : 0].to)
    const pipe = this.#pipes[from]
    this.#at(pipe, () => pipe.to.onClosed())
  }

  #deliver(pipe: Pipe, chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      const left = chunk.length - at
      const length = left < 64 || this.#random.chance(0.5) ? left : this.#random.size(1, left)
      // A copy, as a network gives one.
      const piece = chunk.slice(at, at + length)
      at += length
      pipe.inFlight += length
      this.#at(pipe, () => {
        pipe.inFlight -= length
        if (!this.#deaf.has(pipe.to)) pipe.to.onBytes(piece)
        if (pipe.full && pipe.inFlight <= pipe.capacity) {
          pipe.full = false
          const sender = pipe === this.#pipes[0] ? this.#pipes[1].to : this.#pipes[0].to
          if (!this.#deaf.has(sender)) sender.onDrain()
        }
      })
    }
  }

  #at(pipe: Pipe, run: () => void): void {
    const arrival = this.#clock.now + pipe.latency + this.#random.next()
    pipe.lastArrival = Math.max(pipe.lastArrival, arrival)
    this.#clock.after(pipe.lastArrival - this.#clock.now, run)
  }

  #cutNow(): void {
    this.#cut = true
    this.#onCut()
    for (const pipe of this.#pipes) {
      // Some hear of it at once, even before what was under way; some much later.
      const delay = this.#random.size(1, 2_000) - 1
      this.#clock.after(delay, () => {
        if (this.#deaf.has(pipe.to)) return
        this.#deaf.add(pipe.to)
        pipe.to.onClosed()
      })
    }
  }
}
