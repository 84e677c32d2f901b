import type { Connection, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { DialSelfError, SwarmClosedError } from '../errors.ts'
import type { DialOptions, DialTarget } from '../swarm-types.ts'
import { reachOf } from './address-rank.ts'
import { DialError } from './dial-error.ts'
import { DialRun, type DialRunContext } from './dial-run.ts'
import { type ParsedTarget, parseTarget } from './dial-target.ts'

/** What a {@link Dialler} works with, besides what its runs do. */
export interface DiallerContext extends DialRunContext {
  /** An open connection that answers the dial already. */
  existing(target: ParsedTarget): Connection | undefined
  /** Throws when no further connection is allowed, to this peer at least. */
  assertRoom(peer: PeerId | undefined): void
}

/** Options of {@link Dialler.dial}. */
export interface DiallerOptions extends DialOptions {
  /** `false` dials as the responder of a simultaneous open (DCUtR). */
  readonly initiator?: boolean
}

/** A dial that is going on, for `getDialQueue`. */
export interface RunningDial {
  readonly peer: PeerId | undefined
  readonly force: boolean
}

/** One dial per peer, joined by all who want that peer. */
export class Dialler {
  readonly #context: DiallerContext
  readonly #runs = new Map<string, DialRun>()
  #closed = false

  constructor(context: DiallerContext) {
    this.#context = context
  }

  /** The dials that go on now. */
  running(): RunningDial[] {
    return [...this.#runs.values()].map(({ target: { peer, force } }) => ({ peer, force }))
  }

  /**
   * The connection that is there, or else the first of a dial to the target's addresses.
   *
   * @throws {DialError} when no address could be connected to
   * @throws the signal's reason; the dial itself ends when nobody waits for it any more
   */
  async dial(target: DialTarget, options: DiallerOptions = {}): Promise<Connection> {
    options.signal?.throwIfAborted()
    const parsed = parseTarget(target)
    const { peer } = parsed
    if (peer?.equals(this.#context.self) === true) {
      throw new DialSelfError(`${peer.toString()} is this swarm itself; dial another peer`)
    }
    if (peer !== undefined && (await this.#context.gater.denyDialPeer?.(peer)) === true) {
      throw new DialError(peer.toString(), [], 'the connection gater denies this peer')
    }
    options.signal?.throwIfAborted()
    if (this.#closed) throw new SwarmClosedError()
    // From here to the join nothing is awaited, so that two callers cannot both start a run.
    // The responder of a simultaneous open has what it wants when the other side's dial is in.
    if (options.force !== true || options.initiator === false) {
      const existing = this.#context.existing(parsed)
      if (existing !== undefined && !improves(existing, parsed)) return existing
    }
    this.#context.assertRoom(peer)
    return this.#runFor(parsed, options).join(options.signal)
  }

  /** A peer has connected to us: who dials it meanwhile may have that connection. */
  arrived(connection: Connection): void {
    if (connection.direction !== 'inbound' || connection.limits !== undefined) return
    const peer = connection.remotePeer.toString()
    this.#runs.get(peer)?.arrived(connection)
    this.#runs.get(`force ${peer}`)?.arrived(connection)
  }

  /** Ends all dials; further ones are refused. */
  async close(): Promise<void> {
    this.#closed = true
    const runs = [...this.#runs.values()]
    for (const run of runs) run.abort(new SwarmClosedError('the swarm was closed during the dial'))
    await Promise.all(runs.map(async run => run.ended))
  }

  #runFor({ peer, addresses }: ParsedTarget, options: DiallerOptions): DialRun {
    const force = options.force === true
    const key = peer?.toString() ?? addresses.map(String).sort().join(',')
    const slot = force ? `force ${key}` : key
    const known = this.#runs.get(slot)
    if (known !== undefined) {
      known.add(addresses)
      return known
    }
    const run = new DialRun(this.#context, {
      key,
      peer,
      force,
      ignoreBackoff: force || options.ignoreBackoff === true,
      ...(options.initiator === undefined ? {} : { initiator: options.initiator })
    })
    this.#runs.set(slot, run)
    void run.ended.then(() => {
      if (this.#runs.get(slot) === run) this.#runs.delete(slot)
    })
    run.start(addresses)
    return run
  }
}

/** Whether the target's addresses are direct while the connection is only relayed. */
function improves(existing: Connection, { addresses }: ParsedTarget): boolean {
  return !existing.direct && addresses.some(isDirect)
}

function isDirect(address: Multiaddr): boolean {
  return reachOf(address) !== 'relay'
}
