/** Version of the protocol that this package speaks; see `spec.md`. */
export const VERSION = 1

/** Types of frames. */
export const FRAME = {
  hello: 0,
  bind: 1,
  bound: 2,
  refuse: 3,
  data: 4,
  credit: 5,
  close: 6,
  hangup: 7,
  open: 8,
  goodbye: 9
} as const

/** Kinds of bindings on the wire, seen by whoever binds or opens. */
export const KIND = { recv: 0, send: 1, call: 2 } as const

/** What a binding is for, seen by the end that made it. */
export type Kind = keyof typeof KIND

/** Why something ends, on the wire. */
export const CODE = {
  /** In order: nothing failed. */
  none: 0,
  unknownName: 1,
  wrongDirection: 2,
  schemaMismatch: 3,
  codecMismatch: 4,
  limit: 5,
  /** A field of the frame is outside its range, such as a window of 0. */
  invalid: 6,
  /** More values or bytes than the window allows. */
  overrun: 7,
  /** More values confirmed than were sent. */
  surplusCredit: 8,
  /** A frame that the binding's direction does not allow. */
  misdirected: 9,
  /** A value that cannot be decoded, or that the schema refuses. */
  invalidValue: 10,
  /** The end was taken back by `hangup`. */
  hangup: 11,
  /** The application gave this error. */
  application: 12,
  /** A broadcast value found the window full, under the policy `error`. */
  overload: 13,
  /** The exporter or importer is closing. */
  closing: 14,
  version: 15,
  /** Bytes that are no frame, or a frame out of place: the link ends. */
  protocol: 16,
  /** A handler failed in a way that it did not explain. */
  handlerFailed: 17,
  timeout: 18
} as const

/** One of {@link CODE}; a peer of a later version may send others. */
export type Code = number

/** Why an end, a binding or a link is over. */
export interface Failure {
  readonly code: Code
  readonly message: string
  /** With `schemaMismatch`: the peer's shape. */
  readonly shape?: string
}

/** What breaks the protocol, inside the core: caught there, never seen outside. */
export class Violation extends Error {
  readonly failure: Failure

  constructor(code: Code, message: string) {
    super(message)
    this.failure = { code, message }
  }
}

/** What to tell the peer of something that was thrown in the handling of its frames. */
export function failureOf(error: unknown): Failure {
  return error instanceof Violation
    ? error.failure
    : { code: CODE.protocol, message: 'a frame that could not be handled' }
}
