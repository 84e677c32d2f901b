import type { RevocationStore, TicketRecords } from '@warren/tunnel'
import type { Home } from '../state/home.ts'

/** Seconds since 1970 for which a revocation is kept whose record cannot be read: long. */
const FAR = 2 ** 33

/** Keeps revocations and uses of tickets in the state directory, a file for each ticket. */
export class HomeRevocations implements RevocationStore {
  readonly #home: Home

  constructor(home: Home) {
    this.#home = home
  }

  async load(): Promise<TicketRecords> {
    const uses = (await this.#home.uses.entries()).map(([id, { expires, peers }]) => ({
      id,
      expires,
      peers
    }))
    return { revoked: await this.revoked(), uses }
  }

  /** Every revoked ticket; one whose record is damaged stays revoked. */
  async revoked(): Promise<{ id: string; expires: number }[]> {
    const { revoked } = this.#home
    const ids = (await revoked.mentioned()).filter(id => /^[0-9a-f]{32}$/.test(id))
    return Promise.all(ids.map(async id => ({ id, expires: await this.#expiryOf(id) })))
  }

  async save({ revoked, uses }: TicketRecords): Promise<void> {
    for (const { id, expires } of revoked) {
      const record = { at: Date.now(), expires: expires * 1_000 }
      if (!(await this.#home.revoked.mentions(id))) await this.#home.revoked.put(id, record)
    }
    for (const { id, expires, peers } of uses) {
      await this.#home.uses.put(id, { expires, peers: [...peers] })
    }
  }

  async #expiryOf(id: string): Promise<number> {
    const expires = (await this.#home.revoked.get(id))?.expires
    return expires === undefined || expires === null ? FAR : Math.ceil(expires / 1_000)
  }
}
