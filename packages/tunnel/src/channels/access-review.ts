import { printable } from '@warren/utils'
import { SessionRevokedError } from '../session/errors.ts'
import type { LinkTable } from '../links/link-table.ts'
import type { SessionRegistry } from '../session-registry.ts'
import type { SessionBase } from '../session/session-types.ts'
import type { Announcer } from './announcer.ts'
import { LOCAL_LINK } from './dial-session.ts'

/** What an {@link AccessReview} needs. */
export interface AccessReviewInit {
  readonly table: LinkTable
  readonly sessions: SessionRegistry
  readonly announcer: Announcer
}

/**
 * Asks again who may use what, when the rules have changed: sessions that peers opened and may not
 * have any more end, and links are told of what they may know now, and no longer.
 */
export class AccessReview {
  readonly #init: AccessReviewInit

  constructor(init: AccessReviewInit) {
    this.#init = init
  }

  /** Of one channel, or of all. Resolves when everything that is no longer allowed has ended. */
  async run(channel?: string): Promise<void> {
    // Many sessions, few answers: each peer is asked about once for each channel.
    const answers = new Map<string, Promise<boolean>>()
    const asked = this.#init.sessions.accepted(channel).map(async session => {
      const key = `${session.peer} ${session.channel}`
      const answer = answers.get(key) ?? this.#mayGoOn(session)
      answers.set(key, answer)
      if (!(await answer)) {
        session.abort(
          new SessionRevokedError(
            `the session on ${JSON.stringify(printable(session.channel, 80))} was ended: the peer ` +
              'may no longer use the channel. Ask its owner'
          )
        )
      }
    })
    await Promise.all(asked)
    await this.#init.announcer.review(channel)
  }

  async #mayGoOn({ link, peer, channel }: SessionBase): Promise<boolean> {
    if (link === LOCAL_LINK) return true
    const { table, announcer } = this.#init
    const over = (link === undefined ? undefined : table.byId(link)) ?? table.connected(peer)
    // Without a link there is nobody to ask about but the lists; the rest is asked when it resumes.
    return over === undefined ? announcer.admits(peer, channel) : announcer.allowed(over, channel)
  }
}
