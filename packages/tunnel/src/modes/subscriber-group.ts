import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AbortOptions } from '@libp2p/interface'
import { deadline } from '@warren/utils'
import { EventListeners } from '../event-listeners.ts'
import { NoSubscriberError, SubscriberOverloadError } from '../errors.ts'
import { SendQueueFullError, SessionClosedError, SessionLostError } from '../session/errors.ts'
import { decodeMessage, encodeMessage } from '../session/message-codec.ts'
import type { MessageSessionLimits } from '../session/message-session.ts'
import type { EngineMessageSession } from '../session/message-session.ts'
import type { Message, SessionStats } from '../session/session-types.ts'
import { addUp } from './add-up.ts'
import { GroupInbox } from './group-inbox.ts'
import { GroupMember } from './group-member.ts'
import { GroupRoster } from './group-roster.ts'
import type { GroupRosterInit } from './group-roster.ts'
import type {
  GroupEvents,
  GroupMessage,
  GroupMode,
  GroupSendOptions,
  GroupSession,
  OverloadPolicy,
  Subscriber
} from './group-types.ts'
import type { PublishedRecord, QueueLimits } from './subscriber-queue.ts'
import { SubscriberQueue } from './subscriber-queue.ts'

/** What a {@link SubscriberGroup} is made with. */
export interface SubscriberGroupInit
  extends Pick<GroupRosterInit, 'retry' | 'random' | 'candidates' | 'join'> {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly channel: string
  readonly mode: GroupMode
  readonly overload: OverloadPolicy
  readonly queue: QueueLimits
  readonly limits: MessageSessionLimits
  /** Milliseconds that `send` waits for a subscriber under `block`. */
  readonly patience: number
  /** Milliseconds that closing waits for sessions that are being opened. */
  readonly closeTimeout: number
  /** Called once, when the group has ended. */
  readonly onEnd: () => void
  /** A listener of an event has thrown. */
  readonly failed: (error: Error) => void
}

/** The dialled end of a multicast or broadcast channel: see {@link GroupSession}. */
export class SubscriberGroup implements GroupSession {
  readonly id: string
  readonly channel: string
  readonly mode: GroupMode
  readonly overload: OverloadPolicy
  readonly peer = ''
  readonly link = undefined
  readonly missed = 0
  readonly roster: GroupRoster
  readonly #init: SubscriberGroupInit
  readonly #closed = Promise.withResolvers<Error | undefined>()
  readonly #inbox = new GroupInbox(() => this.roster.members.values())
  readonly #events: EventListeners<GroupEvents>
  #status: 'open' | 'closing' | 'closed' = 'open'
  #closing: Promise<void> | undefined
  /** Calls of `send` that wait. */
  #waiting = 0
  /** Those of them that wait for any subscriber at all: nothing may pass them. */
  #forSomeone = 0
  /** Left out for subscribers that are gone. */
  #droppedBefore = 0
  /** Those that did not get everything while the group closed. */
  readonly #short: { readonly peer: string; readonly error: Error }[] = []

  constructor(init: SubscriberGroupInit) {
    this.#init = init
    this.id = init.id
    this.channel = init.channel
    this.mode = init.mode
    this.overload = init.overload
    this.#events = new EventListeners(error => init.failed(error))
    this.roster = new GroupRoster({
      retry: init.retry,
      random: init.random,
      candidates: () => init.candidates(),
      join: (peer, signal) => init.join(peer, signal),
      newMember: peer => this.#newMember(peer),
      joined: (member, session) => this.#onJoined(member, session),
      left: (member, error) => this.#onLeft(member, error),
      failed: member => this.#forget(member)
    })
  }

  get status(): 'open' | 'closing' | 'closed' {
    return this.#status
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  get dropped(): number {
    return [...this.roster.members.values()].reduce(
      (sum, member) => sum + member.dropped,
      this.#droppedBefore
    )
  }

  subscribers(): Subscriber[] {
    return [...this.roster.members.values()].map(snapshot)
  }

  stats(): SessionStats {
    return addUp([...this.roster.members.values()].flatMap(m => m.session?.stats() ?? []))
  }

  async send(message: Message, options: GroupSendOptions = {}): Promise<void> {
    const { signal, to } = options
    signal?.throwIfAborted()
    this.#throwIfClosing()
    const record = encodeMessage(message, this.#init.limits)
    if (!this.roster.hasOpen || this.#forSomeone > 0) await this.#untilSomeone(signal)
    const over: GroupMember[] = []
    const overloaded: string[] = []
    let reached = 0
    let behind = false
    for (const member of this.roster.members.values()) {
      if (to !== undefined && !to(member)) continue
      reached++
      const outcome = member.publish(record)
      if (outcome === 'over') over.push(member)
      else if (outcome === 'dropped' && this.overload === 'error') overloaded.push(member.peer)
      if (member.takeTurn()) behind = true
    }
    if (reached === 0) throw this.#nobody('none of its subscribers was chosen')
    if (over.length > 0) await this.#untilRoom(over, record, options)
    // A loop of sends that never waits must not keep out what would make room.
    else if (behind) await nextTurn()
    if (overloaded.length > 0) throw this.#overload(overloaded)
  }

  receive(
    options: AbortOptions & { readonly timeout?: number } = {}
  ): Promise<GroupMessage | undefined> {
    return this.#inbox.receive(options)
  }

  async flush(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await Promise.all([...this.roster.members.values()].map(member => member.flush(options)))
  }

  async close(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  abort(error: Error = new SessionClosedError('the session was aborted here')): void {
    if (this.#status === 'closed') return
    this.#status = 'closing'
    this.roster.close()
    for (const member of this.roster.members.values()) {
      member.giveUp(error)
      member.session?.abort(error)
    }
    this.#end(error)
  }

  on<E extends keyof GroupEvents>(event: E, listener: GroupEvents[E]): () => void {
    return this.#events.on(event, listener)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GroupMessage, undefined> {
    for (;;) {
      const message = await this.receive()
      if (message === undefined) return undefined
      yield message
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // --- Members ---

  #newMember(peer: string): GroupMember {
    const queue = new SubscriberQueue<PublishedRecord>(
      this.overload,
      this.#init.queue,
      ({ length }) => length
    )
    return new GroupMember(peer, queue, () => this.#inbox.wake())
  }

  #onJoined(member: GroupMember, session: EngineMessageSession): void {
    session.on('detached', () => this.#events.emit('detached', snapshot(member)))
    session.on('resumed', () => this.#events.emit('resumed', snapshot(member)))
    member.opened(session)
    // It may have answered before anyone listened.
    this.#inbox.wake()
    if (this.#status === 'closed') session.abort(new SessionClosedError('the group has ended'))
    else if (this.#status === 'closing') void this.#closeMember(member, {})
    else this.#events.emit('joined', snapshot(member))
  }

  #onLeft(member: GroupMember, error: Error | undefined): void {
    const undelivered = this.#forget(member)
    if (this.#status === 'closing' && undelivered.length > 0) {
      this.#short.push({ peer: member.peer, error: error ?? new SessionClosedError('it left') })
    }
    // What it had sent and nobody has received is gone with its session; whoever waits looks again.
    this.#inbox.wake()
    if (!this.#events.has('left')) return
    const messages = undelivered.map(record => decodeMessage(record, this.#init.limits))
    this.#events.emit('left', snapshot(member), error, messages)
  }

  #forget(member: GroupMember): PublishedRecord[] {
    const undelivered = member.leave()
    this.#droppedBefore += member.dropped
    return undelivered
  }

  // --- Sending ---

  /** Under `block`, waits for a subscriber, as a unicast session waits for its link. */
  async #untilSomeone(signal: AbortSignal | undefined): Promise<void> {
    if (this.overload !== 'block') throw this.#nobody('nobody listens on it now')
    this.#countWaiting()
    const { patience } = this.#init
    const late = (): Error => this.#nobody(`nobody has listened on it for ${patience} ms`)
    const limit = deadline(patience, late, signal)
    this.#forSomeone++
    try {
      while (!this.roster.hasOpen) {
        await this.roster.change({ signal: limit.signal })
        this.#throwIfClosing()
      }
    } finally {
      this.#forSomeone--
      this.#waiting--
      limit.clear()
    }
  }

  async #untilRoom(
    over: readonly GroupMember[],
    record: PublishedRecord,
    options: AbortOptions
  ): Promise<void> {
    try {
      this.#countWaiting()
    } catch (error) {
      for (const member of over) member.takeBack(record)
      throw error
    }
    try {
      const waits = over.map(member => member.untilRoom(record, options))
      const [failed] = (await Promise.allSettled(waits)).filter(w => w.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    } finally {
      this.#waiting--
    }
  }

  #countWaiting(): void {
    const { pendingSends } = this.#init.limits
    if (this.#waiting >= pendingSends) {
      throw new SendQueueFullError(
        `${pendingSends} messages wait for subscribers of ${this.#name}: await each send`
      )
    }
    this.#waiting++
  }

  // --- The end ---

  async #close(options: AbortOptions): Promise<void> {
    if (this.#status !== 'open') return
    this.#status = 'closing'
    this.roster.close()
    const { closeTimeout } = this.#init
    const late = (): Error => new SessionClosedError('the group closed before it was open')
    const limit = deadline(closeTimeout, late, options.signal)
    const giveUp = (): void => {
      for (const member of this.roster.members.values()) member.giveUp(limit.signal.reason as Error)
    }
    limit.signal.addEventListener('abort', giveUp)
    try {
      await Promise.all(
        [...this.roster.members.values()].map(member => this.#closeMember(member, options))
      )
      while (this.roster.members.size > 0) await this.roster.change({})
    } finally {
      limit.signal.removeEventListener('abort', giveUp)
      limit.clear()
    }
    const error = this.overload === 'block' ? this.#shortError() : undefined
    this.#end(error)
    options.signal?.throwIfAborted()
    if (error !== undefined) throw error
  }

  async #closeMember(member: GroupMember, options: AbortOptions): Promise<void> {
    member.finish()
    // How it ended is told when it leaves.
    await member.session?.close(options).catch(() => {})
  }

  #shortError(): Error | undefined {
    const [first] = this.#short
    if (first === undefined) return undefined
    const unconfirmed = this.#short.reduce(
      (sum, { error }) => sum + (error instanceof SessionLostError ? error.unconfirmed : 0),
      0
    )
    return new SessionLostError(
      `${this.#short.length} subscribers of ${this.#name} did not get everything: ` +
        this.#short.map(({ peer }) => peer).join(', '),
      unconfirmed,
      { cause: first.error }
    )
  }

  #end(error: Error | undefined): void {
    if (this.#status === 'closed') return
    this.#status = 'closed'
    this.#closed.resolve(error)
    this.#inbox.end()
    this.#events.clear()
    this.#init.onEnd()
  }

  #throwIfClosing(): void {
    if (this.#status !== 'open') {
      throw new SessionClosedError('the session is closing: nothing more can be sent')
    }
  }

  #nobody(why: string): NoSubscriberError {
    return new NoSubscriberError(
      `the message for ${this.#name} reached nobody: ${why}. Send it again when one has joined`
    )
  }

  #overload(peers: readonly string[]): SubscriberOverloadError {
    return new SubscriberOverloadError(
      `${peers.length} subscribers of ${this.#name} take messages too slowly, and did not get ` +
        `this one: ${peers.join(', ')}. The others have it`,
      peers
    )
  }

  get #name(): string {
    return JSON.stringify(this.channel)
  }
}

/** A member as it is now: what an application keeps must not change under it. */
function snapshot({ peer, status, link, sent, queued, dropped }: GroupMember): Subscriber {
  return { peer, status, link, sent, queued, dropped }
}
