import type { Multiaddr } from '@multiformats/multiaddr'
import { STAGGER } from '../defaults.ts'
import { rankAddresses, type Reach } from './address-rank.ts'

/** Limits of a {@link DialSchedule}. */
export interface DialScheduleOptions {
  /** Attempts in flight at once. */
  readonly maxParallel: number
  /** Milliseconds in flight after which an unanswered attempt may make room for an untried address. */
  readonly patience: number
}

/** What the shell must do next. */
export type DialCommand =
  | { readonly type: 'start'; readonly address: Multiaddr }
  | { readonly type: 'stop'; readonly address: Multiaddr }

interface Pending {
  readonly address: Multiaddr
  readonly reach: Reach
  /** When it may start; `Infinity` never occurs. */
  due: number
  /** It has made room for others once and does so no more. */
  readonly retried: boolean
}

interface Flight {
  readonly address: Multiaddr
  readonly reach: Reach
  readonly since: number
  readonly retried: boolean
  /** There is somebody: the far end has accepted. */
  reached: boolean
  /** The peer has proven itself: the attempt keeps its place. */
  answered: boolean
}

/** What {@link DialSchedule} does when all places are taken and nobody answers. */
export const DEFAULT_PATIENCE = 1_000

/**
 * When to dial which address of one peer: a state machine without I/O, clock or randomness.
 *
 * Call order: `add` addresses at any time; after each call, and when `nextTimeout()` comes, call
 * `poll(now)` and carry out its commands; report each attempt by `reached` (the far end has
 * accepted), `answered` (the peer has spoken) and `failed`. The shell stops by itself once an
 * attempt has succeeded.
 *
 * - Addresses start by their rank, each `delay` after the first one.
 * - A failed attempt brings the next address forward to at once, and those behind it with it: a
 *   dead address costs no more than its refusal, a silent one no more than its stagger.
 * - An attempt that reached its far end holds the others back by one stagger, since it is likely to win.
 * - With all places taken by silent attempts, the oldest that had its `patience` is stopped for the
 *   next untried address, and comes again behind all untried ones.
 */
export class DialSchedule {
  readonly #options: DialScheduleOptions
  readonly #flights = new Map<string, Flight>()
  readonly #seen = new Set<string>()
  #pending: Pending[] = []

  constructor(options: DialScheduleOptions) {
    this.#options = options
  }

  /** `true` when no address is in flight or waiting. */
  get idle(): boolean {
    return this.#pending.length === 0 && this.#flights.size === 0
  }

  /** Whether the address was added before. */
  knows(address: Multiaddr): boolean {
    return this.#seen.has(address.toString())
  }

  /** Ranks and queues addresses that this schedule has not seen; returns those that were new. */
  add(addresses: readonly Multiaddr[], now: number): Multiaddr[] {
    const fresh = addresses.filter(address => {
      const key = address.toString()
      if (this.#seen.has(key)) return false
      this.#seen.add(key)
      return true
    })
    for (const { address, reach, delay } of rankAddresses(fresh)) {
      this.#pending.push({ address, reach, due: now + delay, retried: false })
    }
    this.#pending.sort((a, b) => a.due - b.due)
    return fresh
  }

  /** The peer has spoken: the attempt is not stopped for others any more. */
  answered(address: Multiaddr): void {
    const flight = this.#flights.get(address.toString())
    if (flight !== undefined) flight.answered = true
  }

  /** The far end has accepted; that is no proof that anybody will speak. */
  reached(address: Multiaddr, now: number): void {
    const flight = this.#flights.get(address.toString())
    if (flight === undefined || flight.reached) return
    flight.reached = true
    const step = flight.reach === 'private' ? STAGGER.private : STAGGER.public
    const next = this.#pending[0]
    if (next !== undefined && next.due < now + step) this.#shift(now + step - next.due)
  }

  /** The attempt failed; the next address is due at once. */
  failed(address: Multiaddr, now: number): void {
    const flight = this.#flights.get(address.toString())
    if (flight === undefined) return
    this.#flights.delete(address.toString())
    const next = this.#pending[0]
    if (next === undefined || next.due <= now) return
    // Relayed addresses do not overtake direct ones that still may answer.
    if (next.reach === 'relay' && this.#directInFlight()) return
    this.#shift(now - next.due)
  }

  /** What is to be done at `now`, in order. */
  poll(now: number): DialCommand[] {
    const commands: DialCommand[] = []
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      if (next.due > now) break
      if (this.#flights.size >= this.#options.maxParallel) {
        const stopped = this.#makeRoom(next, now)
        if (stopped === undefined) break
        commands.push({ type: 'stop', address: stopped.address })
      }
      this.#pending.shift()
      this.#flights.set(next.address.toString(), {
        address: next.address,
        reach: next.reach,
        since: now,
        retried: next.retried,
        reached: false,
        answered: false
      })
      commands.push({ type: 'start', address: next.address })
    }
    return commands
  }

  /** When `poll` has something to do next; `undefined` while it waits for attempts only. */
  nextTimeout(): number | undefined {
    const next = this.#pending[0]
    if (next === undefined) return undefined
    if (this.#flights.size < this.#options.maxParallel) return next.due
    if (next.retried) return undefined
    const oldest = this.#oldestSilent()
    return oldest && Math.max(next.due, oldest.since + this.#options.patience)
  }

  #makeRoom(next: Pending, now: number): Flight | undefined {
    if (next.retried) return undefined
    const oldest = this.#oldestSilent()
    if (oldest === undefined || now - oldest.since < this.#options.patience) return undefined
    this.#flights.delete(oldest.address.toString())
    const due = this.#pending.at(-1)?.due ?? now
    this.#pending.push({ address: oldest.address, reach: oldest.reach, due, retried: true })
    return oldest
  }

  #oldestSilent(): Flight | undefined {
    let oldest: Flight | undefined
    for (const flight of this.#flights.values()) {
      if (flight.answered || flight.retried) continue
      if (oldest === undefined || flight.since < oldest.since) oldest = flight
    }
    return oldest
  }

  #directInFlight(): boolean {
    return [...this.#flights.values()].some(flight => flight.reach !== 'relay')
  }

  #shift(by: number): void {
    for (const pending of this.#pending) pending.due += by
  }
}
