import type { Multiaddr } from '@multiformats/multiaddr'
import type { Swarm } from '@warren/swarm'
import { NodeOptionsError } from '../errors.ts'
import type { RelayStatus } from '../node/node-types.ts'
import { RelaySeat } from './relay-seat.ts'

/** Relays of one node; each takes a place in its tickets. */
export const MAX_RELAYS = 4

/** The reservations of a node at its relays. */
export class RelaySeats {
  readonly #seats: readonly RelaySeat[]
  #turn: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<(status: RelayStatus) => void>()

  /** @throws ERR_NODE_OPTIONS */
  constructor(swarm: Swarm, relays: readonly Multiaddr[]) {
    if (relays.length > MAX_RELAYS) {
      throw new NodeOptionsError(`${relays.length} relays are more than ${MAX_RELAYS}`)
    }
    this.#seats = relays.map(
      relay =>
        new RelaySeat({
          swarm,
          relay,
          inTurn: work => this.#inTurn(work),
          failed: seat => this.#renewAllBut(seat),
          changed: status => {
            for (const listener of this.#listeners) listener(status)
          }
        })
    )
  }

  /** Where peers reach the node through its relays, whether they hold a seat now or not. */
  get addresses(): string[] {
    return this.#seats.map(({ seat }) => seat)
  }

  status(): RelayStatus[] {
    return this.#seats.map(({ status }) => status)
  }

  /** Told when a seat is taken, lost, or could not be taken at first. */
  onChange(listener: (status: RelayStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Starts; resolves when each relay was asked once. */
  async start(): Promise<void> {
    await Promise.all(this.#seats.map(seat => seat.start()))
  }

  close(): void {
    this.#listeners.clear()
    for (const seat of this.#seats) seat.close()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  #renewAllBut(failed: RelaySeat): void {
    for (const seat of this.#seats) if (seat !== failed) seat.renew()
  }
}
