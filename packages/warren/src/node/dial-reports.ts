import type { DialReport, Swarm } from '@warren/swarm'
import { reasonOf } from './describe-dial.ts'
import type { DialedAddressReport } from './node-types.ts'

/** More peers are not remembered; the one that was dialled longest ago is forgotten. */
const MAX_PEERS = 256
/** The same for the addresses of one peer. */
const MAX_ADDRESSES = 32

/** Remembers of each peer how its addresses fared when they were dialled last. */
export class DialReports {
  /** By peer id, or by address where none is known; each by address, the latest last. */
  readonly #byPeer = new Map<string, Map<string, DialedAddressReport>>()
  readonly #stop: () => void

  constructor(swarm: Swarm) {
    const onDialled = ({ detail }: CustomEvent<DialReport>): void => this.#add(detail)
    swarm.addEventListener('dialled', onDialled)
    this.#stop = () => swarm.removeEventListener('dialled', onDialled)
  }

  /** How the addresses of the peer fared; the latest last. */
  of(peer: string): DialedAddressReport[] {
    return [...(this.#byPeer.get(peer)?.values() ?? [])]
  }

  close(): void {
    this.#stop()
  }

  #add({ peer, attempts, connected }: DialReport): void {
    const at = Date.now()
    const reports: DialedAddressReport[] = attempts.map(({ address, step, duration, error }) => ({
      address,
      at,
      connected: false,
      step,
      duration,
      cause: reasonOf(error, step),
      code: codeOf(error)
    }))
    if (connected !== undefined) {
      const { address, duration } = connected
      const none = { cause: undefined, code: undefined }
      reports.push({ address, at, connected: true, step: 'connected', duration, ...none })
    }
    for (const report of reports) this.#remember(peer ?? report.address, report)
  }

  #remember(key: string, report: DialedAddressReport): void {
    const addresses = this.#byPeer.get(key) ?? new Map<string, DialedAddressReport>()
    const before = addresses.get(report.address)
    // That an address was left out says nothing new of it.
    if (before !== undefined && (report.step === 'waiting' || report.step === 'backoff')) return
    put(addresses, report.address, report, MAX_ADDRESSES)
    put(this.#byPeer, key, addresses, MAX_PEERS)
  }
}

/** Puts the entry last; the first goes when there are too many. */
function put<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}

/** The innermost code that the system or a layer below gave. */
function codeOf(error: Error): string | undefined {
  let code: string | undefined
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if ('code' in current && typeof current.code === 'string') code = current.code
    current = current.cause
  }
  return code
}
