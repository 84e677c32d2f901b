import { deadline } from '@warren/utils'
import { TunnelLimitError } from '../errors.ts'
import { SessionClosedError } from '../session/errors.ts'
import type { Message, Session } from '../session/session-types.ts'
import type { Listener } from '../tunnel-types.ts'
import type { Delivery } from './broker-types.ts'
import { back, fits, hello, open } from './envelope.ts'
import type { Recipients } from './envelope.ts'
import type { TopicSubscription } from './topic-subscription.ts'

/** Milliseconds for what is given back to its publisher. */
const LEAVE_TIMEOUT = 1_000

/** The subscriptions of one tunnel to one topic: one listener, from which all of them are fed. */
export class TopicSubscriber {
  readonly #listener: Listener<Session>
  readonly #subscriptions = new Set<TopicSubscription>()
  readonly #sessions = new Set<Session>()
  readonly #serving = new Set<Promise<void>>()
  readonly #topic: string
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  /** @param ended called when the listener has ended, by whatever end */
  constructor(topic: string, listener: Listener<Session>, ended: () => void) {
    this.#topic = topic
    this.#listener = listener
    this.#running = this.#accept().finally(() => {
      for (const subscription of this.#subscriptions) subscription.end()
      ended()
    })
  }

  get size(): number {
    return this.#subscriptions.size
  }

  /** It takes no further subscription. */
  get isClosing(): boolean {
    return this.#stop.signal.aborted
  }

  /** @throws {TunnelLimitError} when publishers could not be told of its queue group any more */
  add(subscription: TopicSubscription): void {
    this.#subscriptions.add(subscription)
    if (!fits(this.#recipients)) {
      this.#subscriptions.delete(subscription)
      throw new TunnelLimitError(
        `too many queue groups of ${JSON.stringify(this.#topic)} in one tunnel: use shorter names`
      )
    }
    this.#tell()
  }

  /** Takes one out, and tells publishers. What it had not taken goes to others of its group. */
  remove(subscription: TopicSubscription): void {
    this.#subscriptions.delete(subscription)
    this.#tell()
  }

  /** Ends the listener once nothing is in hand; what was not taken goes back to its publisher. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.end()
    this.#stop.abort()
    await Promise.all(this.#serving)
    await this.#listener.close()
    await this.#running
  }

  async #accept(): Promise<void> {
    for await (const session of this.#listener) {
      this.#sessions.add(session)
      const serving = this.#serve(session)
        // A session that breaks is its publisher's loss to tell; the topic goes on.
        .catch(() => {})
        .then(async () => this.#leave(session))
        .finally(() => {
          this.#sessions.delete(session)
          this.#serving.delete(serving)
        })
      this.#serving.add(serving)
    }
  }

  async #serve(session: Session): Promise<void> {
    const { signal } = this.#stop
    await session.send(hello(this.#recipients))
    let missed = 0
    while (!signal.aborted) {
      const received = await session.receive({ signal })
      if (received === undefined) return
      for (const subscription of this.#subscriptions) {
        subscription.addMissed(session.missed - missed)
      }
      missed = session.missed
      const envelope = open(received)
      if (envelope.kind !== 'message') continue
      const left = await this.#deliver(envelope.to, envelope.message, session.peer)
      if (left.length === 0) continue
      // Nobody here is in these groups any more: the publisher finds somebody else.
      await session.send(back(envelope.lease, left))
    }
  }

  /** Nobody reads it any more: what was given back arrives, what was not read is not confirmed. */
  async #leave(session: Session): Promise<void> {
    const limit = deadline(LEAVE_TIMEOUT, () => new SessionClosedError('leaving took too long'))
    await session.flush(limit).catch(() => {})
    limit.clear()
    session.abort(new SessionClosedError('the last subscription has ended'))
  }

  /** Gives a message to those it is for; returns the groups that have no member here. */
  async #deliver(to: Recipients, message: Message, publisher: string): Promise<string[]> {
    const delivery: Delivery = { ...message, topic: this.#topic, publisher }
    const all = to.all ? [...this.#subscriptions].filter(({ queue }) => queue === undefined) : []
    // A message of its own for each: what one does to it is not seen by another.
    const plain = all.map(subscription => subscription.offer({ ...delivery }))
    const grouped = to.queues.map(async queue => ({
      queue,
      taken: await this.#offerToOne(queue, delivery)
    }))
    await Promise.all(plain)
    return (await Promise.all(grouped)).filter(({ taken }) => !taken).map(({ queue }) => queue)
  }

  /** Gives a message to the member of a group here that has least to do. */
  async #offerToOne(queue: string, delivery: Delivery): Promise<boolean> {
    for (;;) {
      const [member] = [...this.#subscriptions]
        .filter(subscription => subscription.queue === queue)
        .sort((a, b) => a.size - b.size)
      if (member === undefined) return false
      // The next one of equals has its turn next time.
      this.#subscriptions.delete(member)
      this.#subscriptions.add(member)
      if (await member.offer({ ...delivery })) return true
      this.#subscriptions.delete(member)
    }
  }

  get #recipients(): Recipients {
    const queues = [...this.#subscriptions].flatMap(({ queue }) => queue ?? [])
    return {
      all: [...this.#subscriptions].some(({ queue }) => queue === undefined),
      queues: [...new Set(queues)]
    }
  }

  #tell(): void {
    for (const session of this.#sessions) {
      // A session that has just ended needs to know nothing.
      session.send(hello(this.#recipients)).catch(() => {})
    }
  }
}
