import { readFile } from 'node:fs/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { describeError, printable } from '@warren/utils'
import { AllowListError } from '../errors.ts'

/** Bytes of the longest allow-list. */
const MAX_FILE = 1024 * 1024

/** Peer ids that were given, and those of a file, which may change while it is used. */
export class AllowList {
  readonly #fixed: ReadonlySet<string>
  readonly #file: string | undefined
  #listed: ReadonlySet<string> = new Set()

  private constructor(fixed: readonly string[], file: string | undefined) {
    this.#fixed = new Set(fixed.map(peer => checkPeer(peer, 'the allow-list')))
    this.#file = file
  }

  /**
   * @param file peer ids, one in a line; `#` begins a comment
   * @throws ERR_ALLOW_LIST
   */
  static async create(fixed: readonly string[], file: string | undefined): Promise<AllowList> {
    const list = new AllowList(fixed, file)
    await list.refresh()
    return list
  }

  has(peer: string): boolean {
    return this.#fixed.has(peer) || this.#listed.has(peer)
  }

  get peers(): string[] {
    return [...new Set([...this.#fixed, ...this.#listed])]
  }

  /**
   * Reads the file again.
   *
   * @returns whether the list is another one now
   * @throws ERR_ALLOW_LIST; what was read last stays in force
   */
  async refresh(): Promise<boolean> {
    if (this.#file === undefined) return false
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
    const before = this.#listed
    this.#listed = peers
    return peers.size !== before.size || [...peers].some(peer => !before.has(peer))
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
