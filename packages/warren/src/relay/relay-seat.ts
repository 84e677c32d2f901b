import type { Listener, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Swarm } from '@warren/swarm'
import { Backoff, waitFor } from '@warren/utils'
import { NodeOptionsError, RelayUnreachableError } from '../errors.ts'
import { isRelayed, peerOf } from '../node/addresses.ts'
import type { RelayStatus } from '../node/node-types.ts'

/** Pauses between attempts to get a seat back: a session outlives its link by a minute. */
const RETRY = { first: 250, factor: 2, max: 15_000 }
/** Tag under which relays are protected in the swarm. */
const PROTECT_TAG = 'warren-relay'

/** What a {@link RelaySeat} needs. */
export interface RelaySeatInit {
  readonly swarm: Swarm
  /** The relay's address, with `/p2p` and its id. */
  readonly relay: Multiaddr
  /** Has one seat at a time talk to the transport, whose listeners are told apart by address. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  /** A failed attempt makes the transport forget the reservations of all seats: each renews. */
  readonly failed: (seat: RelaySeat) => void
  readonly changed: (status: RelayStatus) => void
}

/** A reservation at one relay, taken again whenever it is lost, until closed. */
export class RelaySeat {
  readonly address: string
  readonly #init: RelaySeatInit
  readonly #peer: PeerId
  readonly #backoff = new Backoff(RETRY, Math.random)
  readonly #closed = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  #listener: Listener | undefined
  #error: Error | undefined
  #told: RelayStatus['state'] | undefined
  #wake = (): void => {}

  /** @throws ERR_NODE_OPTIONS when the address does not name a relay */
  constructor(init: RelaySeatInit) {
    const peer = peerOf(init.relay)
    if (peer === undefined || isRelayed(init.relay)) {
      throw new NodeOptionsError(
        `${init.relay.toString()} names no relay: give its address with /p2p/ and its peer id, ` +
          'as "warren relay" prints it'
      )
    }
    this.#init = init
    this.#peer = peerIdFromString(peer)
    this.address = init.relay.toString()
  }

  /** Where peers reach this node through the relay, without its own id at the end. */
  get seat(): string {
    return `${this.address}/p2p-circuit`
  }

  get status(): RelayStatus {
    return this.#held
      ? { address: this.address, state: 'reserved', error: undefined }
      : { address: this.address, state: 'trying', error: this.#error }
  }

  /** Starts; resolves when the relay was asked once, whatever came of it. */
  start(): Promise<void> {
    void this.#run()
    return this.#first.promise
  }

  /** Asks again at the transport, which may have forgotten. */
  renew(): void {
    if (this.#held) void this.#init.inTurn(async () => this.#listen()).catch(() => this.#wake())
  }

  close(): void {
    this.#closed.abort(CLOSED)
    this.#init.swarm.unprotect(this.#peer, PROTECT_TAG)
    this.#wake()
  }

  get #held(): boolean {
    return this.#listener !== undefined && this.#listener.getAddrs().length > 0
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed
    this.#init.swarm.protect(this.#peer, PROTECT_TAG)
    while (!signal.aborted) {
      try {
        await this.#init.swarm.dial(this.#init.relay, { signal, ignoreBackoff: true })
        await this.#init.inTurn(async () => this.#listen())
        this.#error = undefined
        this.#backoff.reset()
      } catch (error) {
        if (signal.aborted) break
        this.#error = error instanceof Error ? error : new Error(String(error))
        this.#init.failed(this)
      }
      this.#tell()
      this.#first.resolve()
      if (this.#held) await this.#untilLost()
      else await this.#pause(this.#backoff.next())
    }
    this.#first.resolve()
  }

  async #listen(): Promise<void> {
    const { swarm, relay } = this.#init
    const at = relay.encapsulate('/p2p-circuit')
    if (this.#listener === undefined) {
      await swarm.listen(at, { signal: this.#closed.signal })
      this.#listener = this.#find()
      this.#listener?.addEventListener('listening', () => this.#wake())
      this.#listener?.addEventListener('close', () => {
        this.#listener = undefined
        this.#wake()
      })
    } else {
      await waitFor(this.#listener.listen(at), this.#closed.signal)
    }
    if (!this.#held) {
      throw new RelayUnreachableError(`the relay ${this.address} has given no address`)
    }
  }

  /** The listener that has the relay's seat. */
  #find(): Listener | undefined {
    const mark = `/p2p/${this.#peer.toString()}/p2p-circuit`
    return this.#init.swarm.components.transportManager
      .getListeners()
      .find(each => each.getAddrs().some(address => address.toString().endsWith(mark)))
  }

  async #untilLost(): Promise<void> {
    while (this.#held && !this.#closed.signal.aborted) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    this.#wake = () => {}
    this.#tell()
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closed.signal.aborted) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => {}
  }

  /** Tells of a change, once. */
  #tell(): void {
    const { status } = this
    if (this.#told === status.state || this.#closed.signal.aborted) return
    this.#told = status.state
    this.#init.changed(status)
  }
}

const CLOSED = new Error('the node is closed')
