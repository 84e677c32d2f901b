import type { AbortOptions } from '@libp2p/interface'
import { deadline } from '@warren/utils'
import { ReceiveTimeoutError } from '../session/errors.ts'
import { WaitList } from '../session/signalled.ts'
import type { GroupMember } from './group-member.ts'
import type { GroupMessage } from './group-types.ts'

/**
 * What the subscribers of a group answer, as one: each message is left in its own session, inside its
 * window, until somebody receives it.
 */
export class GroupInbox {
  readonly #members: () => Iterable<GroupMember>
  readonly #readable = new WaitList<void>()
  /** The subscriber that was received from last, so that none is read before the others each time. */
  #lastHeard = ''
  #ended = false

  constructor(members: () => Iterable<GroupMember>) {
    this.#members = members
  }

  /** There may be something to receive. */
  wake(): void {
    this.#readable.settleAll(undefined)
  }

  /** Nothing comes any more. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** The next message of any subscriber; `undefined` after the end. */
  async receive(
    options: AbortOptions & { readonly timeout?: number }
  ): Promise<GroupMessage | undefined> {
    const { signal, timeout } = options
    signal?.throwIfAborted()
    const late = (): Error => new ReceiveTimeoutError(`no message came within ${timeout} ms`)
    const limit = timeout === undefined ? undefined : deadline(timeout, late, signal)
    try {
      for (;;) {
        const message = this.#takeNow()
        if (message !== undefined) return message
        if (this.#ended) return undefined
        await this.#readable.wait(limit ?? options)
      }
    } finally {
      limit?.clear()
    }
  }

  #takeNow(): GroupMessage | undefined {
    const members = [...this.#members()]
    const start = members.findIndex(({ peer }) => peer === this.#lastHeard) + 1
    for (let i = 0; i < members.length; i++) {
      const member = members[(start + i) % members.length]
      const message = member?.tryReceive()
      if (member === undefined || message === undefined) continue
      this.#lastHeard = member.peer
      return { ...message, peer: member.peer }
    }
    return undefined
  }
}
