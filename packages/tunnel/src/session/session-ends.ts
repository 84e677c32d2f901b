import { REFUSE } from './codes.ts'
import { SessionProtocolError } from './errors.ts'
import type { AcceptHead, Head, OpenHead, RefuseHead, ResumeHead, ResumedHead } from './heads.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { answerResume, isAnswerProven, isResumeProven, offerResume } from './resume-proof.ts'
import { SessionCore } from './session-core.ts'
import type { SessionOptions } from './session-options.ts'
import type { Mode } from './session-types.ts'

/** What a session of a host is made with. */
export interface EndContext {
  readonly options: SessionOptions
  readonly budget: MemoryBudget
}

const MAX_EPOCH = 0xffff_ffff

function newCore(context: EndContext, epoch: number, limit: number, now: number): SessionCore {
  const { options, budget } = context
  return new SessionCore(
    {
      epoch,
      limit,
      budget,
      window: { initial: options.sessionWindow, max: options.maxSessionWindow },
      resumeTimeout: options.resumeTimeout,
      closeTimeout: options.closeTimeout,
      ackDelay: options.ackDelay
    },
    now
  )
}

/** What a dialler asks for. */
export interface DialledRequest {
  readonly channel: string
  readonly mode: Mode
  readonly bytes: boolean
}

/** What the answer to an offer means. */
export type Answer =
  /** The stream carries the session from now on. */
  | { readonly at: 'attached'; readonly epoch: number }
  /** Nothing came of this stream; another may do. */
  | { readonly at: 'again'; readonly code: number }
  /** The peer says no: there is no session (any more). */
  | { readonly at: 'refused'; readonly code: number }

/**
 * The dialler's side of the heads: what to say on a new stream, and what the answer means.
 * No streams, no clock, no randomness.
 */
export class DialledEnd {
  readonly id: Uint8Array
  readonly #request: DialledRequest
  readonly #context: EndContext
  #core: SessionCore | undefined
  #secret: Uint8Array | undefined
  #nextEpoch = 0

  constructor(id: Uint8Array, request: DialledRequest, context: EndContext) {
    this.id = id
    this.#request = request
    this.#context = context
  }

  /** The session, once the peer has accepted it. */
  get core(): SessionCore | undefined {
    return this.#core
  }

  /** The first frame of a new stream. Each has a higher epoch than the one before. */
  offer(): OpenHead | ResumeHead {
    const epoch = this.#nextEpoch++
    if (epoch > MAX_EPOCH) throw new SessionProtocolError('the session has used up its epochs')
    if (this.#core !== undefined && this.#secret !== undefined) {
      return offerResume(this.#core, this.id, this.#secret, epoch)
    }
    const limit = this.#context.options.sessionWindow
    return { type: 'open', id: this.id, epoch, limit, ...this.#request }
  }

  /** @throws {SessionProtocolError} when this is no answer to `offer` */
  answer(offer: OpenHead | ResumeHead, head: Head, now: number): Answer {
    if (head.type === 'refuse') return this.#refused(offer, head.code, now)
    if (offer.type === 'open' && head.type === 'accept') {
      if (this.#core !== undefined) return { at: 'again', code: REFUSE.stale }
      this.#secret = head.secret
      this.#core = newCore(this.#context, offer.epoch, head.limit, now)
      return { at: 'attached', epoch: offer.epoch }
    }
    if (offer.type === 'resume' && head.type === 'resumed') return this.#resumed(offer, head, now)
    throw new SessionProtocolError(`the peer answered "${offer.type}" with "${head.type}"`)
  }

  #resumed(offer: ResumeHead, head: ResumedHead, now: number): Answer {
    if (this.#secret === undefined || !isAnswerProven(this.#secret, offer, head)) {
      throw new SessionProtocolError('the peer answered a resume without proof of the session')
    }
    if (this.#core?.attach(offer.epoch, head, now, offer.received) === true) {
      return { at: 'attached', epoch: offer.epoch }
    }
    return { at: 'again', code: REFUSE.stale }
  }

  #refused(offer: OpenHead | ResumeHead, code: number, now: number): Answer {
    if (code === REFUSE.busy || code === REFUSE.stale) return { at: 'again', code }
    if (offer.type === 'open') return { at: 'refused', code }
    if (code === REFUSE.channel) {
      this.#core?.revoke('the peer no longer gives access to the channel. Ask its owner', now)
      return { at: 'refused', code }
    }
    // Only "unknown" says that the state is lost; a limit or a closing host may pass.
    if (code !== REFUSE.unknown) return { at: 'again', code }
    this.#core?.lose('the peer no longer holds the session. Open a new session', now)
    return { at: 'refused', code }
  }
}

/** The acceptor's side of the heads, for one session. */
export class AcceptedEnd {
  readonly id: Uint8Array
  readonly core: SessionCore
  readonly #secret: Uint8Array
  readonly #context: EndContext

  constructor(head: OpenHead, secret: Uint8Array, context: EndContext, now: number) {
    this.id = head.id
    this.#secret = secret
    this.#context = context
    this.core = newCore(context, head.epoch, head.limit, now)
  }

  /** The answer to the `open` that made this session. */
  get acceptHead(): AcceptHead {
    return { type: 'accept', secret: this.#secret, limit: this.#context.options.sessionWindow }
  }

  /**
   * The answer to an `open` of a session that is there already: the dialler has not heard the first
   * answer. Once it has sent anything it has heard it, and must resume.
   */
  reopen(head: OpenHead, now: number): AcceptHead | RefuseHead {
    if (this.core.isTouched) return refuse(REFUSE.unknown)
    return this.core.attach(head.epoch, { received: 0, sent: 0 }, now)
      ? this.acceptHead
      : refuse(REFUSE.stale)
  }

  /** The refusal of a `resume` that cannot be; `undefined` when it may be answered by {@link resume}. */
  refusal(head: ResumeHead): RefuseHead | undefined {
    // Without proof nothing is told, and above all nothing is fenced.
    if (!isResumeProven(this.#secret, head)) return refuse(REFUSE.unknown)
    return head.epoch <= this.core.epoch ? refuse(REFUSE.stale) : undefined
  }

  /** The answer to a `resume`; when it is `resumed`, the stream carries the session from now on. */
  resume(head: ResumeHead, now: number): ResumedHead | RefuseHead {
    const refusal = this.refusal(head)
    if (refusal !== undefined) return refusal
    const position = this.core.position
    if (this.core.attach(head.epoch, head, now)) return answerResume(position, head, this.#secret)
    return refuse(this.core.life === 'gone' ? REFUSE.unknown : REFUSE.stale)
  }
}

function refuse(code: number): RefuseHead {
  return { type: 'refuse', code }
}
