import type { AbortOptions } from '@libp2p/interface'
import { Backoff, unref } from '@warren/utils'
import type { BackoffOptions } from '@warren/utils'
import { ChannelRefusedError, KindMismatchError, ModeMismatchError } from '../errors.ts'
import { REFUSE, RESET } from '../session/codes.ts'
import {
  SessionClosedError,
  SessionLostError,
  SessionRefusedError,
  SessionResetError
} from '../session/errors.ts'
import type { EngineMessageSession } from '../session/message-session.ts'
import { WaitList } from '../session/signalled.ts'
import type { GroupMember } from './group-member.ts'
import { SUBSCRIBER_TRANSITIONS } from './subscriber-life.ts'
import type { SubscriberEvent, SubscriberState } from './subscriber-life.ts'

/** What a {@link GroupRoster} needs. */
export interface GroupRosterInit {
  /** Pauses between attempts to open a session to one peer. */
  readonly retry: BackoffOptions
  readonly random: () => number
  /** Peers that may be subscribers now. */
  candidates(): Iterable<string>
  newMember(peer: string): GroupMember
  /** Opens the session to a peer. */
  join(peer: string, signal: AbortSignal): Promise<EngineMessageSession>
  joined(member: GroupMember, session: EngineMessageSession): void
  /** A member that had joined is gone; `error` when not by its own will. */
  left(member: GroupMember, error: Error | undefined): void
  /** A session could not be opened. */
  failed(member: GroupMember): void
}

/** A peer that is, was, or may be a subscriber. */
interface Place {
  state: Exclude<SubscriberState, 'none'>
  /** Pauses between attempts, since its session was open last. */
  readonly backoff: Backoff
  timer: ReturnType<typeof setTimeout> | undefined
}

/**
 * Who belongs to a group: opens a session to each candidate, again after it was lost, and not again
 * to one that has left by itself until its channel is announced anew.
 */
export class GroupRoster {
  readonly #init: GroupRosterInit
  /** Those that have a session, or are about to. */
  readonly #members = new Map<string, GroupMember>()
  readonly #places = new Map<string, Place>()
  readonly #changed = new WaitList<void>()
  #lastError: Error | undefined
  #closed = false

  constructor(init: GroupRosterInit) {
    this.#init = init
  }

  get members(): ReadonlyMap<string, GroupMember> {
    return this.#members
  }

  /** Nobody is there, and nobody is being asked. */
  get isEmpty(): boolean {
    for (const { state } of this.#places.values()) if (state !== 'declined') return false
    return true
  }

  /** Why a session could not be opened last. */
  get lastError(): Error | undefined {
    return this.#lastError
  }

  get hasOpen(): boolean {
    for (const { status } of this.#members.values()) if (status === 'open') return true
    return false
  }

  /** Looks who is there now, and opens sessions to those that have none. */
  evaluate(): void {
    if (this.#closed) return
    const candidates = new Set(this.#init.candidates())
    for (const peer of Array.from(this.#places.keys())) {
      if (!candidates.has(peer)) this.#move(peer, 'gone')
    }
    for (const peer of candidates) this.#move(peer, 'found')
  }

  /** `peer` has taken the channel back: should it announce it anew, it is a subscriber anew. */
  withdrawn(peer: string): void {
    const member = this.#members.get(peer)
    if (member !== undefined) member.withdrawn = true
    this.evaluate()
  }

  /** `peer` has announced the channel, or is linked, anew: what it said before no longer holds. */
  renew(peer: string): void {
    const member = this.#members.get(peer)
    if (member !== undefined) member.announced = true
    this.#move(peer, 'renewed')
    this.evaluate()
  }

  /**
   * Resolves when at least one session is open.
   *
   * @throws why the last one could not be opened, when nobody is left to be asked; the signal's reason
   */
  async someone(options: AbortOptions): Promise<void> {
    while (!this.hasOpen) {
      if (this.#closed) throw new SessionClosedError('the group has ended')
      if (this.isEmpty && this.#lastError !== undefined) throw this.#lastError
      await this.#changed.wait(options)
    }
  }

  /** Waits until no session is being opened; gives up silently when the signal fires. */
  async settled(signal: AbortSignal): Promise<void> {
    const joining = (): boolean =>
      [...this.#members.values()].some(({ status }) => status === 'joining')
    while (joining() && !signal.aborted) {
      await this.#changed.wait({ signal }).catch(() => {})
    }
  }

  /** Waits for the next change of members. */
  change(options: AbortOptions): Promise<void> {
    return this.#changed.wait(options)
  }

  /** No session is opened any more; those under way go on. */
  close(): void {
    this.#closed = true
    for (const { timer } of this.#places.values()) clearTimeout(timer)
    this.#places.clear()
    this.#changed.settleAll(undefined)
  }

  #move(peer: string, event: SubscriberEvent): void {
    const place = this.#places.get(peer)
    const next = SUBSCRIBER_TRANSITIONS[place?.state ?? 'none'][event]
    if (next === undefined || this.#closed) return
    clearTimeout(place?.timer)
    if (next === 'none') this.#places.delete(peer)
    else this.#enter(peer, next, place)
  }

  #enter(peer: string, state: Place['state'], before: Place | undefined): void {
    const { retry, random } = this.#init
    const place = before ?? { state, backoff: new Backoff(retry, random), timer: undefined }
    place.state = state
    this.#places.set(peer, place)
    if (state === 'joining') this.#join(peer)
    if (state === 'open') place.backoff.reset()
    if (state === 'waiting') {
      place.timer = setTimeout(() => this.#move(peer, 'due'), place.backoff.next())
      unref(place.timer)
    }
  }

  #join(peer: string): void {
    const member = this.#init.newMember(peer)
    this.#members.set(peer, member)
    this.#init.join(peer, member.signal).then(
      session => this.#onOpen(member, session),
      (error: unknown) => this.#onFailed(member, error as Error)
    )
  }

  #onOpen(member: GroupMember, session: EngineMessageSession): void {
    this.#move(member.peer, 'accepted')
    this.#init.joined(member, session)
    this.#changed.settleAll(undefined)
    void session.closed.then(error => this.#onLeft(member, error))
  }

  #onFailed(member: GroupMember, error: Error): void {
    this.#lastError = error
    this.#members.delete(member.peer)
    this.#init.failed(member)
    // A refusal from before it was announced says nothing any more.
    this.#move(member.peer, isRefusal(error) && !member.announced ? 'refused' : 'failed')
    this.#changed.settleAll(undefined)
  }

  #onLeft(member: GroupMember, error: Error | undefined): void {
    this.#members.delete(member.peer)
    this.#init.left(member, error)
    const ended = member.withdrawn ? 'closed' : 'ended'
    this.#move(member.peer, isLoss(error) ? 'lost' : ended)
    this.evaluate()
    this.#changed.settleAll(undefined)
  }
}

/** The peer has said no, and will say so again until something changes at its side. */
function isRefusal(error: Error): boolean {
  if (error instanceof SessionRefusedError) return error.refuseCode === REFUSE.version
  return (
    error instanceof ChannelRefusedError ||
    error instanceof ModeMismatchError ||
    error instanceof KindMismatchError
  )
}

/** The session ended without the subscriber's will. */
function isLoss(error: Error | undefined): boolean {
  if (error instanceof SessionLostError) return true
  return error instanceof SessionResetError && error.resetCode === RESET.shutdown
}
