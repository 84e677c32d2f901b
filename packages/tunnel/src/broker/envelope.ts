import type { Message } from '../session/session-types.ts'

/** Header of a message: for whom it is, at the tunnel that it goes to. */
const TO = 'warren-to'
/** Header of what a subscribing tunnel says of itself. */
const HELLO = 'warren-hello'
/** Header of what a subscribing tunnel says of a message that it found nobody for. */
const BACK = 'warren-back'

/** Whom a tunnel's copy of a message is for. */
export interface Recipients {
  /** Every subscription that is in no queue group. */
  readonly all: boolean
  /** One member of each of these queue groups. */
  readonly queues: readonly string[]
}

/** What came over a session of the broker. */
export type Envelope =
  /** `lease` names it among those for queue groups of this tunnel; 0 for others. */
  | {
      readonly kind: 'message'
      readonly to: Recipients
      readonly lease: number
      readonly message: Message
    }
  /** A subscribing tunnel tells its publisher of its subscriptions. */
  | { readonly kind: 'hello'; readonly to: Recipients }
  /** It has nobody in these groups any more, for the message with this lease. */
  | { readonly kind: 'back'; readonly queues: readonly string[]; readonly lease: number }
  | { readonly kind: 'unknown' }

/** Bytes of one of these headers; what subscribes to more is taken for no subscriber. */
const MAX_HEADER = 4_096

const NO_BODY = new Uint8Array(0)

/** The message as it travels to `to`. */
export function address(message: Message, to: Recipients, lease: number): Message {
  const header = JSON.stringify([to.all, lease, ...to.queues])
  return { headers: { ...message.headers, [TO]: header }, body: message.body }
}

/** What a tunnel with these subscriptions says. */
export function hello({ all, queues }: Recipients): Message {
  return { headers: { [HELLO]: JSON.stringify([all, 0, ...queues]) }, body: NO_BODY }
}

/** What a tunnel says of a message for groups that it has no member of. */
export function back(lease: number, queues: readonly string[]): Message {
  return { headers: { [BACK]: JSON.stringify([false, lease, ...queues]) }, body: NO_BODY }
}

export function open(message: Message): Envelope {
  const { [HELLO]: hi, [BACK]: returned, [TO]: addressed, ...headers } = message.headers ?? {}
  const told = parse(hi)
  if (told !== undefined) return { kind: 'hello', to: told }
  const given = parse(returned)
  if (given !== undefined) return { kind: 'back', queues: given.queues, lease: given.lease }
  const to = parse(addressed)
  if (to === undefined) return { kind: 'unknown' }
  return { kind: 'message', to, lease: to.lease, message: { headers, body: message.body } }
}

function parse(header: string | undefined): (Recipients & { readonly lease: number }) | undefined {
  if (header === undefined || Buffer.byteLength(header) > MAX_HEADER) return undefined
  try {
    const [all, lease, ...queues] = JSON.parse(header) as unknown[]
    if (typeof all !== 'boolean' || typeof lease !== 'number') return undefined
    if (!queues.every(isQueueName)) return undefined
    return { all, lease, queues: [...new Set(queues)] }
  } catch {
    return undefined
  }
}

/** Whether a publisher will hear of all of them. */
export function fits({ all, queues }: Recipients): boolean {
  // A lease takes more digits than the 0 of a hello.
  return Buffer.byteLength(JSON.stringify([all, Number.MAX_SAFE_INTEGER, ...queues])) <= MAX_HEADER
}

/** Names of queue groups are short: all of a tunnel's go in one header. */
export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && name.length >= 1 && name.length <= 255 && name.isWellFormed()
}
