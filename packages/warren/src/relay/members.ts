import { readFile } from 'node:fs/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { describeError, printable } from '@warren/utils'
import { AllowListError } from '../errors.ts'

/** Bytes of the longest allow-list. */
const MAX_FILE = 1024 * 1024

/** Who is a member of a relay's network: everyone, or those of an allow-list. */
export class Members {
  readonly #everyone: boolean
  readonly #fixed: ReadonlySet<string>
  readonly #file: string | undefined
  #listed: ReadonlySet<string> = new Set()

  private constructor(everyone: boolean, fixed: readonly string[], file: string | undefined) {
    this.#everyone = everyone
    this.#fixed = new Set(fixed.map(peer => checkPeer(peer, 'the allow-list')))
    this.#file = file
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
    const members = new Members(everyone, fixed, file)
    await members.refresh()
    return members
  }

  has(peer: string): boolean {
    return this.#everyone || this.#fixed.has(peer) || this.#listed.has(peer)
  }

  /** How many are listed; `undefined` when everyone is a member. */
  get size(): number | undefined {
    return this.#everyone ? undefined : new Set([...this.#fixed, ...this.#listed]).size
  }

  /**
   * Reads the file again.
   *
   * @throws ERR_ALLOW_LIST; what was read last stays in force
   */
  async refresh(): Promise<void> {
    if (this.#file === undefined) return
    let text: string
    try {
      text = await readFile(this.#file, 'utf8')
    } catch (cause) {
      throw new AllowListError(
        `cannot read the allow-list ${this.#file}: ${describeError(cause)}`,
        { cause }
      )
    }
    if (text.length > MAX_FILE) throw new AllowListError(`${this.#file} is longer than 1 MiB`)
    const peers = new Set<string>()
    for (const [index, line] of text.split('\n').entries()) {
      const peer = line.replace(/#.*/, '').trim()
      if (peer !== '') peers.add(checkPeer(peer, `${this.#file}, line ${index + 1}`))
    }
    this.#listed = peers
  }
}

function checkPeer(text: string, where: string): string {
  try {
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new AllowListError(
      `${where}: ${JSON.stringify(printable(text, 80))} is not a peer id, as "warren key" prints it`,
      { cause }
    )
  }
}
