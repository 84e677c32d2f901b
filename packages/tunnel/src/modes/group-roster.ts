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

/** A peer that is tried again. */
interface Retry {
  readonly backoff: Backoff
  timer: ReturnType<typeof setTimeout> | undefined
}

/**
 * Who belongs to a group: opens a session to each candidate, again after it was lost, and not again
 * to one that has left by itself until its channel is announced anew.
 */
export class GroupRoster {
  readonly #init: GroupRosterInit
  readonly #members = new Map<string, GroupMember>()
  /** Peers that have refused or left, until they announce the channel anew. */
  readonly #declined = new Set<string>()
  readonly #retries = new Map<string, Retry>()
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
    return this.#members.size === 0 && this.#retries.size === 0
  }

  get hasOpen(): boolean {
    for (const { status } of this.#members.values()) if (status === 'open') return true
    return false
  }

  /** Sizes: members, and those that stay away or are tried again. */
  get size(): number {
    return this.#members.size + this.#declined.size + this.#retries.size
  }

  /** Looks who is there now, and opens sessions to those that have none. */
  evaluate(): void {
    if (this.#closed) return
    const candidates = new Set(this.#init.candidates())
    for (const peer of this.#declined) if (!candidates.has(peer)) this.#declined.delete(peer)
    for (const [peer, retry] of this.#retries) {
      if (!candidates.has(peer)) this.#dropRetry(peer, retry)
    }
    for (const peer of candidates) {
      const waits = this.#retries.get(peer)?.timer !== undefined
      if (!this.#members.has(peer) && !this.#declined.has(peer) && !waits) this.#join(peer)
    }
  }

  /** `peer` has taken the channel back: should it announce it anew, it is a subscriber anew. */
  withdrawn(peer: string): void {
    const member = this.#members.get(peer)
    if (member !== undefined) member.withdrawn = true
    this.evaluate()
  }

  /** `peer` has announced the channel, or is linked, anew: what it said before no longer holds. */
  renew(peer: string): void {
    this.#declined.delete(peer)
    const member = this.#members.get(peer)
    if (member !== undefined) member.announced = true
    const retry = this.#retries.get(peer)
    if (retry !== undefined) this.#dropRetry(peer, retry)
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
    for (const [peer, retry] of this.#retries) this.#dropRetry(peer, retry)
    this.#declined.clear()
    this.#changed.settleAll(undefined)
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
    const retry = this.#retries.get(member.peer)
    if (retry !== undefined) this.#dropRetry(member.peer, retry)
    this.#init.joined(member, session)
    this.#changed.settleAll(undefined)
    void session.closed.then(error => this.#onLeft(member, error))
  }

  #onFailed(member: GroupMember, error: Error): void {
    this.#lastError = error
    this.#members.delete(member.peer)
    this.#init.failed(member)
    if (isDecline(error) && !member.announced) {
      const retry = this.#retries.get(member.peer)
      if (retry !== undefined) this.#dropRetry(member.peer, retry)
      this.#declined.add(member.peer)
    } else {
      this.#retry(member.peer)
    }
    this.#changed.settleAll(undefined)
  }

  #onLeft(member: GroupMember, error: Error | undefined): void {
    this.#members.delete(member.peer)
    this.#init.left(member, error)
    if (!isLoss(error) && !member.withdrawn) this.#declined.add(member.peer)
    this.evaluate()
    this.#changed.settleAll(undefined)
  }

  #retry(peer: string): void {
    if (this.#closed) return
    const { retry: options, random } = this.#init
    const retry = this.#retries.get(peer) ?? {
      backoff: new Backoff(options, random),
      timer: undefined
    }
    this.#retries.set(peer, retry)
    retry.timer = setTimeout(() => {
      retry.timer = undefined
      this.evaluate()
    }, retry.backoff.next())
    unref(retry.timer)
  }

  #dropRetry(peer: string, { timer }: Retry): void {
    clearTimeout(timer)
    this.#retries.delete(peer)
  }
}

/** The peer has said no, and will say so again until something changes at its side. */
function isDecline(error: Error): boolean {
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
