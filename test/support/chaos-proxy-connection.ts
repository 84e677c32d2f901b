import net from 'node:net'
import type { Flow } from './chaos-proxy.ts'

/** Faults that all connections share, and the bytes they have forwarded. */
export interface Faults {
  /** Milliseconds by which everything is delayed. */
  latency: number
  /** Bytes of a piece; 0 for whole chunks. */
  slice: number
  /** The next cut at an exact byte. */
  cut: { left: number; flow: Flow; clean: boolean } | undefined
  up: number
  down: number
}

/** Bytes that one direction holds before it stops reading. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024

/** One connection through the proxy: two sockets, and a direction each way. */
export class ChaosConnection {
  onClose: () => void = () => {}
  /** It was cut at an exact byte. */
  onCut: () => void = () => {}
  readonly #client: net.Socket
  readonly #upstream: net.Socket
  readonly #flows: Record<Flow, Direction>
  #closed = false

  constructor(client: net.Socket, target: { host: string; port: number }, faults: Faults) {
    const { host, port } = target
    const upstream = net.connect({ host, port, allowHalfOpen: true, noDelay: true })
    this.#client = client
    this.#upstream = upstream
    upstream.pause()
    const cut = (clean: boolean): void => this.#cut(clean)
    this.#flows = {
      up: new Direction(client, upstream, 'up', faults, cut),
      down: new Direction(upstream, client, 'down', faults, cut)
    }
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      // A reset of one side, a refusal of the target included, is a reset of the other.
      one.on('error', () => {
        if (!this.silenced) other.resetAndDestroy()
      })
      one.on('close', () => this.#onClosed())
    }
  }

  /** `true` while it is made silent in a direction. */
  get silenced(): boolean {
    return this.#flows.up.silent || this.#flows.down.silent
  }

  start(): void {
    this.#flows.up.pump()
    this.#flows.down.pump()
  }

  silence(flows: readonly Flow[]): void {
    for (const flow of flows) this.#flows[flow].silence()
  }

  heal(): void {
    this.#flows.up.heal()
    this.#flows.down.heal()
    if (this.#client.destroyed !== this.#upstream.destroyed) this.reset()
  }

  reset(): void {
    this.#client.resetAndDestroy()
    this.#upstream.resetAndDestroy()
  }

  #cut(clean: boolean): void {
    this.onCut()
    if (!clean) return this.reset()
    // The other direction stops too: nothing is written to a socket that has got its end.
    this.silence(['up', 'down'])
    this.#client.destroySoon()
    this.#upstream.destroySoon()
  }

  #onClosed(): void {
    if (this.#closed || !this.#client.destroyed || !this.#upstream.destroyed) return
    this.#closed = true
    this.onClose()
  }
}

/** One direction of a connection: reads, holds, and writes as the faults say. */
class Direction {
  silent = false
  readonly #from: net.Socket
  readonly #to: net.Socket
  readonly #flow: Flow
  readonly #faults: Faults
  readonly #cut: (clean: boolean) => void
  readonly #queue: { bytes: Buffer; readonly due: number }[] = []
  #queued = 0
  #ended = false
  #waiting: 'no' | 'drain' | 'turn' | 'time' = 'no'

  constructor(
    from: net.Socket,
    to: net.Socket,
    flow: Flow,
    faults: Faults,
    cut: (clean: boolean) => void
  ) {
    this.#from = from
    this.#to = to
    this.#flow = flow
    this.#faults = faults
    this.#cut = cut
    from.on('data', bytes => {
      this.#queue.push({ bytes, due: performance.now() + faults.latency })
      this.#queued += bytes.length
      this.pump()
    })
    from.on('end', () => {
      this.#ended = true
      this.pump()
    })
    to.on('drain', () => this.#continue('drain'))
    from.pause()
  }

  silence(): void {
    this.silent = true
    this.#from.pause()
  }

  heal(): void {
    this.silent = false
    this.pump()
  }

  /** Writes what may be written now. */
  pump(): void {
    if (this.silent || this.#to.destroyed) return
    while (this.#waiting === 'no') {
      const first = this.#queue[0]
      if (first === undefined) break
      const early = first.due - performance.now()
      if (early > 0) {
        this.#waiting = 'time'
        setTimeout(() => this.#continue('time'), early)
        break
      }
      if (this.#write(first)) return
    }
    if (this.#queue.length === 0 && this.#ended) this.#to.end()
    else if (this.#queued > MAX_QUEUED_BYTES) this.#from.pause()
    else if (this.#from.isPaused()) this.#from.resume()
  }

  /** @returns `true` when that was the last of this connection */
  #write(first: { bytes: Buffer }): boolean {
    const { cut, slice } = this.#faults
    const mine = cut?.flow === this.#flow ? cut : undefined
    const most = slice > 0 ? slice : first.bytes.length
    const size = Math.min(first.bytes.length, most, mine?.left ?? first.bytes.length)
    const piece = first.bytes.subarray(0, size)
    if (size === first.bytes.length) this.#queue.shift()
    else first.bytes = first.bytes.subarray(size)
    this.#queued -= size
    this.#faults[this.#flow] += size
    if (mine !== undefined) mine.left -= size
    if (mine?.left === 0) {
      this.#faults.cut = undefined
      this.silent = true
      this.#to.write(piece, () => this.#cut(mine.clean))
      return true
    }
    if (!this.#to.write(piece)) this.#waiting = 'drain'
    else if (slice > 0) {
      this.#waiting = 'turn'
      setImmediate(() => this.#continue('turn'))
    }
    return false
  }

  #continue(from: 'drain' | 'turn' | 'time'): void {
    if (this.#waiting !== from) return
    this.#waiting = 'no'
    this.pump()
  }
}
