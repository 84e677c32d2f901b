import { AllowList } from '../state/allow-list.ts'

/** Who is a member of a relay's network: everyone, or those of an allow-list. */
export class Members {
  readonly #everyone: boolean
  readonly #list: AllowList

  private constructor(everyone: boolean, list: AllowList) {
    this.#everyone = everyone
    this.#list = list
  }

  /**
   * @param everyone whoever can connect at all is a member: the network has a pre-shared key
   * @param file peer ids, one in a line; `#` begins a comment
   * @throws ERR_ALLOW_LIST
   */
  static async create(
    everyone: boolean,
    fixed: readonly string[],
    file: string | undefined
  ): Promise<Members> {
    return new Members(everyone, await AllowList.create(fixed, file))
  }

  has(peer: string): boolean {
    return this.#everyone || this.#list.has(peer)
  }

  /** How many are listed; `undefined` when everyone is a member. */
  get size(): number | undefined {
    return this.#everyone ? undefined : this.#list.peers.length
  }

  /**
   * Reads the file again.
   *
   * @throws ERR_ALLOW_LIST; what was read last stays in force
   */
  async refresh(): Promise<void> {
    await this.#list.refresh()
  }
}
