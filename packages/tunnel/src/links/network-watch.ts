import { networkInterfaces } from 'node:os'

/** Milliseconds between looks at the machine's addresses; there is no event for it. */
const LOOK_EVERY = 5_000

/** Notices that this machine's addresses have changed: another network, a cable, a VPN. */
export class NetworkWatch {
  readonly #read: () => string
  #addresses: string
  #lookedAt: number

  /** @param now monotonic milliseconds */
  constructor(now: number, read: () => string = readAddresses) {
    this.#read = read
    this.#addresses = read()
    this.#lookedAt = now
  }

  /** `true` when the addresses are others than at the last look. Cheap to call often. */
  changed(now: number): boolean {
    if (now - this.#lookedAt < LOOK_EVERY) return false
    this.#lookedAt = now
    const before = this.#addresses
    this.#addresses = this.#read()
    return this.#addresses !== before
  }
}

function readAddresses(): string {
  try {
    return Object.values(networkInterfaces())
      .flatMap(addresses => (addresses ?? []).map(({ address }) => address))
      .sort()
      .join()
  } catch {
    // Some sandboxes forbid it: then nothing ever changes.
    return ''
  }
}
