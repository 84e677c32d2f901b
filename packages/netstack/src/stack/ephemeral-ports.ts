import { flowWords } from '../tcp/isn.ts'
import type { SipHash } from '../tcp/siphash.ts'

/** The range that ports are taken from, as Linux does; wider than IANA's, for more connections to one server. */
const FIRST_EPHEMERAL = 32768
const LAST_EPHEMERAL = 60999
const RANGE = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1

/**
 * Local ports of outgoing connections (RFC 6056 §3.3.3, simple hash-based): towards each
 * destination they count up from a secret place, so that a port comes back as late as possible and
 * nobody else can tell the next.
 */
export class EphemeralPorts {
  readonly #hash: SipHash
  readonly #words = new Int32Array(10)
  #counter = 0

  constructor(hash: SipHash) {
    this.#hash = hash
  }

  /** The first port from the secret place on that is not taken; `undefined` when all are. */
  pick(
    local: Int32Array,
    remote: Int32Array,
    remotePort: number,
    taken: (port: number) => boolean
  ): number | undefined {
    flowWords(local, 0, remote, remotePort, this.#words)
    this.#words[9] = 4
    const start = this.#hash.hash(this.#words) >>> 0
    for (let tries = 0; tries < RANGE; tries++) {
      const port = FIRST_EPHEMERAL + ((start + this.#counter++) % RANGE)
      if (!taken(port)) return port
    }
    return undefined
  }
}
