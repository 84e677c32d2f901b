import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { waitFor } from '@warren/utils'
import {
  AddressNotDialledError,
  DialTimeoutError,
  SwarmClosedError,
  WrongPeerError,
  codeOf,
  toError
} from '../errors.ts'
import { isSmaller } from '../connections/crossed-dials.ts'
import { reachOf } from './address-rank.ts'
import { AttemptClock } from './attempt-clock.ts'
import { type CandidateRules, judgeCandidate, skip } from './candidates.ts'
import { type DialAttempt, DialError } from './dial-error.ts'
import type { DialReport, DialedAddress } from './dial-report.ts'
import { DEFAULT_PATIENCE, DialSchedule } from './dial-schedule.ts'
import type { DialSlots } from './dial-slots.ts'

/** Options that an attempt hands to its transport. */
export interface AttemptOptions {
  readonly signal: AbortSignal
  readonly initiator?: boolean
  readonly onProgress: (event: { readonly type: string }) => void
}

/** What a {@link DialRun} works with. */
export interface DialRunContext extends CandidateRules {
  readonly slots: DialSlots
  /** Addresses that are known for a peer, the best first. */
  knownAddresses(peer: PeerId, signal: AbortSignal): Promise<Multiaddr[]>
  /** The IP addresses behind an address with a name. */
  resolve(address: Multiaddr, signal: AbortSignal): Promise<Multiaddr[]>
  /** Opens and upgrades a connection; nothing is told of it yet. */
  connect(address: Multiaddr, options: AttemptOptions): Promise<Connection>
  /** Registers the run's connection and tells of it, before any caller has it. May refuse. */
  adopt(connection: Connection, target: DialRunTarget): void
  /** A run has ended, and this is how it went. */
  ended?(report: DialReport): void
  readonly dialTimeout: number
  readonly addressDialTimeout: number
  readonly connectTimeout: number
  readonly maxDialsPerPeer: number
  readonly maxAddressesPerDial: number
}

/** Whom a run dials, and how. */
export interface DialRunTarget {
  readonly key: string
  readonly peer: PeerId | undefined
  readonly force: boolean
  readonly ignoreBackoff: boolean
  readonly initiator?: boolean
}

interface Flight {
  readonly controller: AbortController
  readonly startedAt: number
  /** `connect` until the transport hands the socket to the upgrader, then the upgrader's steps. */
  step: string
}

/**
 * One dial of one peer, which any number of callers join. Drives a {@link DialSchedule} with real
 * sockets and one timer. It ends with the first connection, with a {@link DialError} when every
 * address has failed, or when its last caller has gone.
 */
export class DialRun {
  readonly target: DialRunTarget
  readonly #context: DialRunContext
  readonly #schedule: DialSchedule
  readonly #attempts: DialAttempt[] = []
  readonly #flights = new Map<string, Flight>()
  readonly #controller = new AbortController()
  readonly #result = Promise.withResolvers<Connection>()
  /** Known to be dialled, flying or not: for the report. */
  readonly #waiting = new Map<string, Multiaddr>()
  #timer: NodeJS.Timeout | undefined
  #expiry: NodeJS.Timeout | undefined
  #grace: NodeJS.Timeout | undefined
  /** A connection that the peer opened during the run. */
  #arrived: Connection | undefined
  /** Addresses that are being looked up, resolved or judged. */
  #preparing = 0
  #admitted = 0
  #callers = 0
  #done = false

  constructor(context: DialRunContext, target: DialRunTarget) {
    this.#context = context
    this.target = target
    this.#schedule = new DialSchedule({
      maxParallel: context.maxDialsPerPeer,
      patience: DEFAULT_PATIENCE
    })
    // Callers may all be gone when it settles.
    this.#result.promise.catch(() => {})
  }

  /** Settles when the run has ended. */
  get ended(): Promise<void> {
    return this.#result.promise.then(
      () => {},
      () => {}
    )
  }

  /** Begins to dial; with no addresses, those known of the peer. */
  start(addresses: readonly Multiaddr[]): void {
    const { dialTimeout } = this.#context
    this.#expiry = setTimeout(() => {
      this.#fail(`no address answered within ${dialTimeout} ms`)
    }, dialTimeout)
    if (addresses.length > 0) this.add(addresses)
    else this.#prepare(this.#addKnown())
  }

  /** More addresses for the same peer, from a caller that joins. */
  add(addresses: readonly Multiaddr[]): void {
    for (const address of addresses) this.#prepare(this.#admit(address))
  }

  /** The connection, for one more caller; when the last caller's signal fires the run ends. */
  async join(signal?: AbortSignal): Promise<Connection> {
    this.#callers++
    try {
      return await waitFor(this.#result.promise, signal)
    } finally {
      this.#callers--
      if (this.#callers === 0 && !this.#done) {
        this.abort(toError(signal?.reason ?? new Error('nobody waits for this dial any more')))
      }
    }
  }

  /**
   * The peer has connected to us meanwhile. Where its dial wins over ours (see `crossedLoser`) the
   * run ends with that connection. Otherwise ours gets a while to succeed: giving it up at once
   * could end both, when the peer does the same. A forced dial wants a connection of its own, unless
   * it is the responder of a simultaneous open (DCUtR): then the peer's dial is the other half of it.
   */
  arrived(connection: Connection): void {
    const { force, initiator } = this.target
    if (this.#done || (force && initiator !== false)) return
    this.#arrived = connection
    if (initiator === false) this.#settleForArrived()
    else if (isSmaller(connection.remotePeer, this.#context.self)) this.#settleForArrived()
    else this.#grace ??= setTimeout(() => this.#settleForArrived(), ARRIVAL_GRACE)
  }

  /** Ends the run and its attempts at once. */
  abort(error: Error): void {
    if (!this.#finish()) return
    this.#result.reject(error)
  }

  /** Counts work that may still yield addresses, so that the run does not end before it. */
  #prepare(work: Promise<void>): void {
    this.#preparing++
    void work
      .catch(error => this.#fail(toError(error).message, toError(error)))
      .finally(() => {
        this.#preparing--
        this.#drive()
      })
  }

  async #addKnown(): Promise<void> {
    const { peer } = this.target
    if (peer === undefined) return
    this.add(await this.#context.knownAddresses(peer, this.#controller.signal))
  }

  async #admit(address: Multiaddr): Promise<void> {
    const context = this.#context
    let resolved: Multiaddr[]
    try {
      resolved = await context.resolve(address, this.#controller.signal)
    } catch (error) {
      this.#note(skip(address, 'resolve', toError(error)))
      return
    }
    if (resolved.length === 0) {
      this.#note(skip(address, 'resolve', new AddressNotDialledError('its name has no addresses')))
    }
    const candidates = resolved.map(async one => judgeCandidate(one, this.target, context))
    const dialable: Multiaddr[] = []
    for (const candidate of await Promise.all(candidates)) {
      if (candidate.type === 'skip') this.#note(candidate)
      else dialable.push(candidate.address)
    }
    if (!this.#done) this.#enqueue(dialable)
  }

  #enqueue(addresses: readonly Multiaddr[]): void {
    const limit = this.#context.maxAddressesPerDial
    const allowed: Multiaddr[] = []
    for (const address of addresses) {
      if (this.#schedule.knows(address)) continue
      if (this.#admitted >= limit) {
        const why = `a dial tries at most ${limit} addresses`
        this.#note(skip(address, 'limit', new AddressNotDialledError(why)))
        continue
      }
      this.#admitted++
      allowed.push(address)
    }
    for (const address of this.#schedule.add(allowed, this.#context.now())) {
      this.#waiting.set(address.toString(), address)
    }
  }

  #note(candidate: ReturnType<typeof skip>): void {
    if (candidate.type !== 'skip') return
    const { attempt } = candidate
    if (this.#attempts.some(known => known.address === attempt.address)) return
    this.#attempts.push(attempt)
  }

  /** Carries out what the schedule says, and sets the timer for its next word. */
  #drive(): void {
    if (this.#done) return
    clearTimeout(this.#timer)
    const now = this.#context.now()
    for (const command of this.#schedule.poll(now)) {
      if (command.type === 'start') void this.#attempt(command.address)
      else this.#flights.get(command.address.toString())?.controller.abort(PUT_BACK)
    }
    if (this.#schedule.idle && this.#preparing === 0) {
      this.#fail()
      return
    }
    const next = this.#schedule.nextTimeout()
    if (next !== undefined) this.#timer = setTimeout(() => this.#drive(), Math.max(0, next - now))
  }

  /** One attempt, from its place in the limits to its end. Never rejects. */
  async #attempt(address: Multiaddr): Promise<void> {
    const context = this.#context
    const key = address.toString()
    const flight: Flight = {
      controller: new AbortController(),
      startedAt: context.now(),
      step: 'connect'
    }
    this.#flights.set(key, flight)
    this.#waiting.delete(key)
    let release: (() => void) | undefined
    try {
      // A relayed attempt holds no descriptor; the dial of its relay takes a place of its own.
      if (reachOf(address) !== 'relay') {
        release = await context.slots.acquire(this.target.key, flight.controller.signal)
      }
      const connection = await this.#connect(address, flight)
      this.#succeed(key, connection, context.now() - flight.startedAt)
    } catch (error) {
      this.#lost(address, flight, toError(error))
    } finally {
      release?.()
    }
  }

  async #connect(address: Multiaddr, flight: Flight): Promise<Connection> {
    const context = this.#context
    const { addressDialTimeout: whole, connectTimeout } = context
    // Relays may have to be dialled themselves before they can answer.
    const connect = reachOf(address) === 'relay' ? whole : connectTimeout
    const clock = new AttemptClock({ connect, whole }, flight.controller.signal)
    const { initiator, peer } = this.target
    try {
      const connection = await context.connect(address, {
        signal: clock.signal,
        ...(initiator === undefined ? {} : { initiator }),
        onProgress: ({ type }) => {
          if (type.startsWith('upgrader:encrypt-')) {
            flight.step = 'security'
            clock.answered()
            this.#schedule.reached(address, context.now())
            this.#drive()
          } else if (type.startsWith('upgrader:multiplex-')) {
            flight.step = 'muxer'
            this.#schedule.answered(address)
          }
        }
      })
      const remote = connection.remotePeer
      if (peer !== undefined && !remote.equals(peer)) {
        const error = new WrongPeerError(
          `the peer there is ${remote.toString()}, not ${peer.toString()}`
        )
        connection.abort(error)
        flight.step = 'identity'
        throw error
      }
      return connection
    } finally {
      clock.clear()
    }
  }

  #succeed(key: string, connection: Connection, duration: number): void {
    this.#flights.delete(key)
    const others = this.#unfinished(new AddressNotDialledError('another address was faster'))
    if (!this.#finish()) {
      connection.abort(PUT_BACK)
      return
    }
    this.#report([...this.#attempts, ...others], { address: key, duration })
    try {
      this.#context.adopt(connection, this.target)
    } catch (error) {
      connection.abort(toError(error))
      this.#result.reject(error)
      return
    }
    this.#result.resolve(connection)
  }

  #lost(address: Multiaddr, flight: Flight, error: Error): void {
    const key = address.toString()
    // A put-back address may be flying again already: then this is not its flight.
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
    if (this.#done) return
    if (flight.controller.signal.reason === PUT_BACK) {
      this.#waiting.set(key, address)
      return
    }
    const { backoff } = this.#context
    const now = this.#context.now()
    this.#attempts.push({
      address: key,
      step: stepOf(error) ?? flight.step,
      duration: now - flight.startedAt,
      error
    })
    if (codeOf(error) !== 'ERR_DIAL_QUEUE_FULL') backoff.failed(this.target.key, key, now)
    this.#schedule.failed(address, now)
    this.#drive()
  }

  #settleForArrived(): boolean {
    const connection = this.#arrived
    if (connection?.status !== 'open' || !this.#finish()) return false
    this.#result.resolve(connection)
    return true
  }

  #fail(why?: string, cause?: Error): void {
    if (this.#done || this.#settleForArrived()) return
    const attempts = [
      ...this.#attempts,
      ...this.#unfinished(new DialTimeoutError('it had not answered when the dial ended'))
    ]
    const error = cause ?? new DialError(this.target.peer?.toString(), attempts, why)
    this.#finish()
    this.#report(attempts)
    this.#result.reject(error)
  }

  /** The addresses that are in flight or wait, as attempts that end now. */
  #unfinished(flying: Error): DialAttempt[] {
    const now = this.#context.now()
    const attempts: DialAttempt[] = []
    for (const [address, { step, startedAt }] of this.#flights) {
      attempts.push({ address, step, duration: now - startedAt, error: flying })
    }
    for (const address of this.#waiting.keys()) {
      if (this.#flights.has(address)) continue
      const error = new AddressNotDialledError('the dial ended before its turn')
      attempts.push({ address, step: 'waiting', duration: 0, error })
    }
    return attempts
  }

  #report(attempts: readonly DialAttempt[], connected?: DialedAddress): void {
    this.#context.ended?.({ peer: this.target.peer?.toString(), attempts, connected })
  }

  #finish(): boolean {
    if (this.#done) return false
    this.#done = true
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
    clearTimeout(this.#grace)
    this.#controller.abort(new SwarmClosedError('the dial has ended'))
    for (const flight of this.#flights.values()) flight.controller.abort(PUT_BACK)
    return true
  }
}

/** Milliseconds for our dial after the peer's own has arrived. */
const ARRIVAL_GRACE = 1_000

/** Why an attempt is stopped that has done nothing wrong. */
const PUT_BACK = new AddressNotDialledError('another address of the dial goes first')

/** The step that an upgrade failed in, if the upgrader says so. */
function stepOf(error: Error): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('step' in current && typeof current.step === 'string') return current.step
  }
  return undefined
}
