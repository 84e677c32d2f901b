import type { AbortOptions } from '@libp2p/interface'
import { deadline, unref, waitFor } from '@warren/utils'
import { NoSubscriberError } from '../errors.ts'
import type { GroupMessage, GroupSession, Subscriber } from '../modes/group-types.ts'
import { SessionClosedError } from '../session/errors.ts'
import type { Message } from '../session/session-types.ts'
import { WaitList } from '../session/signalled.ts'
import { address, open } from './envelope.ts'
import type { Recipients } from './envelope.ts'
import { Leases } from './leases.ts'

/** Milliseconds that a subscribing tunnel may take to tell what it subscribes to. */
const HELLO_TIMEOUT = 5_000
/** Milliseconds that the end of a topic waits for its subscribers. */
const CLOSE_TIMEOUT = 5_000
/** Messages that are kept for a tunnel that has not told yet. */
const MAX_BACKLOG = 1_024

/** What a {@link TopicPublisher} needs. */
export interface TopicPublisherInit {
  readonly topic: string
  readonly idleTimeout: number
  /** Dials the topic's channel. */
  dial(timeout: number, signal: AbortSignal): Promise<GroupSession>
  /** Nobody of a queue group is there to take the message. */
  undelivered(queue: string, message: Message): void
  /** It has ended: nothing has been published for a while, or its sessions have ended. */
  onEnd(): void
}

/** A message on its way to all it is for. */
interface Publication {
  readonly message: Message
  /** Queue groups of which a member has it, or is given it just now. */
  readonly served: Set<string>
  /** It was taken back: it is for these groups only. */
  readonly only: readonly string[] | undefined
  /** Members that have yet to tell whether it is for them. */
  awaited: number
}

/** A subscribing tunnel. */
interface Member {
  /** What it subscribes to; `undefined` until it has told. */
  to: Recipients | undefined
  /** What was published before it told, in order. */
  readonly backlog: Publication[]
  readonly leases: Leases
  readonly helloTimer: ReturnType<typeof setTimeout>
}

/** Publishes to one topic: knows what each subscribing tunnel wants, and sends it that. */
export class TopicPublisher {
  readonly #init: TopicPublisherInit
  readonly #members = new Map<string, Member>()
  readonly #changed = new WaitList<void>()
  readonly #stop = new AbortController()
  #group: Promise<GroupSession> | undefined
  #idle: ReturnType<typeof setTimeout> | undefined
  /** Calls of `publish` under way. */
  #busy = 0
  /** Counts deliveries to queue groups, so that equals take turns. */
  #turn = 0

  constructor(init: TopicPublisherInit) {
    this.#init = init
  }

  async publish(message: Message, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    clearTimeout(this.#idle)
    this.#busy++
    const limit = deadline(timeout, () => this.#nobody(), signal)
    try {
      // Who begins the dial has its error, which says more than that it took too long.
      const group = await (this.#group === undefined
        ? waitFor(this.#connect(timeout), signal)
        : waitFor(this.#group, limit.signal))
      while (!this.#isReady) await this.#changed.wait(limit)
      limit.clear()
      await this.#spread(group, message, signal)
    } finally {
      limit.clear()
      this.#busy--
      if (this.#busy === 0) this.#restIdle()
    }
  }

  /** Delivers what was published, and ends. */
  async close(): Promise<void> {
    this.#init.onEnd()
    this.#stop.abort(new SessionClosedError('the broker has ended the topic'))
    clearTimeout(this.#idle)
    const group = await this.#group?.catch(() => undefined)
    if (group === undefined) return
    const limit = deadline(CLOSE_TIMEOUT, () => new SessionClosedError('closing took too long'))
    // What a subscriber did not get is told by `left`, not by the end of the broker.
    await group.close(limit).catch(() => {})
    limit.clear()
  }

  // --- Sessions ---

  #connect(timeout: number): Promise<GroupSession> {
    this.#group = this.#dial(timeout)
    return this.#group
  }

  async #dial(timeout: number): Promise<GroupSession> {
    try {
      const group = await this.#init.dial(timeout, this.#stop.signal)
      for (const subscriber of group.subscribers()) {
        if (subscriber.status === 'open') this.#onJoined(subscriber)
      }
      group.on('joined', subscriber => this.#onJoined(subscriber))
      group.on('left', (subscriber, _error, undelivered) =>
        this.#onLeft(group, subscriber, undelivered)
      )
      void this.#listen(group)
      return group
    } catch (error) {
      // The next publish tries anew.
      this.#group = undefined
      throw error
    }
  }

  async #listen(group: GroupSession): Promise<void> {
    for await (const received of group) this.#onReceived(group, received)
    for (const { helloTimer } of this.#members.values()) clearTimeout(helloTimer)
    this.#members.clear()
    this.#group = undefined
    this.#changed.settleAll(undefined)
    if (this.#busy === 0) this.#init.onEnd()
  }

  #onJoined({ peer }: Subscriber): void {
    const helloTimer = setTimeout(() => {
      // It subscribes to nothing that we know of: no more is kept for it.
      const member = this.#members.get(peer)
      if (member !== undefined) this.#forgetBacklog(member)
    }, HELLO_TIMEOUT)
    unref(helloTimer)
    this.#members.set(peer, { to: undefined, backlog: [], leases: new Leases(), helloTimer })
  }

  #onLeft(group: GroupSession, { peer }: Subscriber, undelivered: readonly Message[]): void {
    const member = this.#members.get(peer)
    clearTimeout(member?.helloTimer)
    this.#members.delete(peer)
    if (member !== undefined) this.#forgetBacklog(member)
    this.#changed.settleAll(undefined)
    for (const sent of undelivered) {
      const envelope = open(sent)
      if (envelope.kind !== 'message') continue
      this.#giveToOthers(group, envelope.message, envelope.to.queues)
    }
  }

  #onReceived(group: GroupSession, received: GroupMessage): void {
    const envelope = open(received)
    const member = this.#members.get(received.peer)
    if (member === undefined) return
    if (envelope.kind === 'back') {
      const given = member.leases.giveBack(envelope.lease, envelope.queues)
      if (given !== undefined) this.#giveToOthers(group, given.message, given.queues)
    }
    if (envelope.kind !== 'hello') return
    clearTimeout(member.helloTimer)
    member.to = envelope.to
    for (const publication of member.backlog.splice(0)) {
      this.#catchUp(group, received.peer, envelope.to, publication)
    }
    this.#changed.settleAll(undefined)
  }

  /** Gives a message that was published before a member told what it wants. */
  #catchUp(group: GroupSession, peer: string, to: Recipients, publication: Publication): void {
    const { only, served, message } = publication
    const all = to.all && only === undefined
    const queues = to.queues.filter(q => !served.has(q) && (only === undefined || only.includes(q)))
    for (const queue of queues) served.add(queue)
    // That it fails is told by `left`, which takes it back.
    if (all || queues.length > 0) {
      this.#sendTo(group, peer, { all, queues }, message).catch(() => {})
    }
    this.#countHello(publication)
  }

  /** A member has not told what it wants, and will not. */
  #forgetBacklog(member: Member): void {
    member.to ??= { all: false, queues: [] }
    for (const publication of member.backlog.splice(0)) this.#countHello(publication)
  }

  /** One member fewer may want the message; what was taken back and nobody wants is undelivered. */
  #countHello(publication: Publication): void {
    publication.awaited--
    if (publication.awaited > 0) return
    for (const queue of publication.only ?? []) {
      if (!publication.served.has(queue)) this.#init.undelivered(queue, publication.message)
    }
  }

  // --- Publishing ---

  /** Somebody has told what it wants. */
  get #isReady(): boolean {
    for (const { to } of this.#members.values()) {
      if (to !== undefined && (to.all || to.queues.length > 0)) return true
    }
    return false
  }

  /** Sends to each member what it wants; those that get the same get it in one go. */
  async #spread(
    group: GroupSession,
    message: Message,
    signal: AbortSignal | undefined
  ): Promise<void> {
    const publication: Publication = { message, served: new Set(), only: undefined, awaited: 0 }
    const chosen = this.#choose(group, publication)
    const options = signal === undefined ? {} : { signal }
    const sends: Promise<void>[] = []
    const plain = new Set<string>()
    for (const [peer, member] of this.#members) {
      const queues = chosen.get(peer) ?? []
      if (member.to === undefined) {
        this.#keep(member, publication)
      } else if (queues.length > 0) {
        sends.push(this.#sendTo(group, peer, { all: member.to.all, queues }, message, options))
      } else if (member.to.all) {
        plain.add(peer)
      }
    }
    // All others get the same: encoded once.
    if (plain.size > 0) {
      const same = address(message, { all: true, queues: [] }, 0)
      sends.push(group.send(same, { ...options, to: ({ peer }) => plain.has(peer) }))
    }
    await Promise.all(sends)
  }

  /** Gives one member a message for its queue groups, which it may give back. */
  #sendTo(
    group: GroupSession,
    peer: string,
    to: Recipients,
    message: Message,
    options: AbortOptions = {}
  ): Promise<void> {
    const lease = this.#members.get(peer)?.leases.add(message, to.queues) ?? 0
    return group.send(address(message, to, lease), { ...options, to: each => each.peer === peer })
  }

  /** Keeps a message for a member that has not told what it wants. */
  #keep({ backlog }: Member, publication: Publication): void {
    publication.awaited++
    backlog.push(publication)
    // So many: it is no broker.
    const oldest = backlog.length > MAX_BACKLOG ? backlog.shift() : undefined
    if (oldest !== undefined) this.#countHello(oldest)
  }

  /** One member for each queue group: of those with least to do the next in turn. */
  #choose(group: GroupSession, { only, served }: Publication): Map<string, string[]> {
    const queued = new Map(group.subscribers().map(({ peer, queued }) => [peer, queued]))
    const candidates = new Map<string, string[]>()
    for (const [peer, { to }] of this.#members) {
      for (const queue of to?.queues ?? []) {
        if (only !== undefined && !only.includes(queue)) continue
        candidates.set(queue, [...(candidates.get(queue) ?? []), peer])
      }
    }
    const chosen = new Map<string, string[]>()
    for (const [queue, peers] of candidates) {
      const least = Math.min(...peers.map(peer => queued.get(peer) ?? 0))
      const equals = peers.filter(peer => (queued.get(peer) ?? 0) === least)
      const peer = equals[this.#turn++ % equals.length]
      if (peer === undefined) continue
      served.add(queue)
      chosen.set(peer, [...(chosen.get(peer) ?? []), queue])
    }
    return chosen
  }

  /** A tunnel has not taken a message for some queue groups: other members of them do. */
  #giveToOthers(group: GroupSession, message: Message, queues: readonly string[]): void {
    if (queues.length === 0) return
    const publication: Publication = { message, served: new Set(), only: queues, awaited: 1 }
    for (const [peer, given] of this.#choose(group, publication)) {
      this.#sendTo(group, peer, { all: false, queues: given }, message).catch(() =>
        given.forEach(queue => this.#init.undelivered(queue, message))
      )
    }
    if (publication.served.size < queues.length) {
      for (const member of this.#members.values()) {
        if (member.to === undefined) this.#keep(member, publication)
      }
    }
    // This call's own part.
    this.#countHello(publication)
  }

  #restIdle(): void {
    if (this.#stop.signal.aborted) return
    if (this.#group === undefined) {
      this.#init.onEnd()
      return
    }
    this.#idle = setTimeout(() => void this.close(), this.#init.idleTimeout)
    unref(this.#idle)
  }

  #nobody(): NoSubscriberError {
    return new NoSubscriberError(
      `nobody subscribes to ${JSON.stringify(this.#init.topic)}: subscribe somewhere first`
    )
  }
}
