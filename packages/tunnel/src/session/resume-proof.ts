import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ResumeHead, ResumedHead } from './heads.ts'
import type { SessionCore } from './session-core.ts'
import { writeOffset, writeU32 } from './wire-numbers.ts'

/** What a proof is about; both ends must know the same. */
interface Statement {
  readonly id: Uint8Array
  readonly epoch: number
  readonly received: number
  readonly sent: number
}

type Role = 'resume' | 'resumed'

const encoder = new TextEncoder()
const LABELS: Record<Role, Uint8Array> = {
  resume: encoder.encode('warren/session/1/resume'),
  resumed: encoder.encode('warren/session/1/resumed')
}

/**
 * HMAC-SHA256 under the session's secret over a label for the role, the id, the epoch, and both
 * offsets of who speaks. So a proof holds for one stream and one direction only.
 */
function prove(role: Role, secret: Uint8Array, statement: Statement): Uint8Array {
  const numbers = new Uint8Array(20)
  writeU32(numbers, 0, statement.epoch)
  writeOffset(numbers, 4, statement.received)
  writeOffset(numbers, 12, statement.sent)
  const hmac = createHmac('sha256', secret)
  return hmac.update(LABELS[role]).update(statement.id).update(numbers).digest()
}

/** The `resume` of a dialler. */
export function offerResume(
  core: SessionCore,
  id: Uint8Array,
  secret: Uint8Array,
  epoch: number
): ResumeHead {
  const statement = { id, epoch, ...core.position }
  return { type: 'resume', ...statement, proof: prove('resume', secret, statement) }
}

/** `true` when a `resume` comes from who holds the session's secret. Takes constant time. */
export function isResumeProven(secret: Uint8Array, head: ResumeHead): boolean {
  return timingSafeEqual(prove('resume', secret, head), head.proof)
}

/** The answer of the acceptor, about itself as it was before it attached. */
export function answerResume(
  position: { readonly received: number; readonly sent: number },
  head: ResumeHead,
  secret: Uint8Array
): ResumedHead {
  const { received, sent } = position
  const statement = { id: head.id, epoch: head.epoch, received, sent }
  return { type: 'resumed', received, sent, proof: prove('resumed', secret, statement) }
}

/** `true` when the answer to `offer` comes from who holds the session's secret. */
export function isAnswerProven(secret: Uint8Array, offer: ResumeHead, head: ResumedHead): boolean {
  const statement = { ...head, id: offer.id, epoch: offer.epoch }
  return timingSafeEqual(prove('resumed', secret, statement), head.proof)
}
