import { literal, maxLength, object, pipe, regex, string, unknown, variant } from 'valibot'
import type { InferOutput } from 'valibot'

/** Bytes of the longest request line; a longer one ends the connection. */
export const MAX_REQUEST = 4_096
/** Bytes of the longest answer. */
export const MAX_ANSWER = 4 * 1024 * 1024
/** Connections at once; another one is closed at once. */
export const MAX_CONNECTIONS = 16
/** Milliseconds for a request to arrive, and for an answer to come. */
export const TIMEOUT = 5_000

/** Id of a ticket: 32 hexadecimal digits. */
export const TICKET_ID = pipe(string(), regex(/^[0-9a-f]{32}$/, 'a ticket id is 32 hex digits'))

/** A peer id as text. */
export const PEER_ID = pipe(string(), regex(/^[1-9A-HJ-NP-Za-z]{20,128}$/, 'not a peer id'))

/** What may be asked: one JSON object in one line, one answer in one line, then the end. */
export const REQUEST = variant('do', [
  object({ warren: literal(1), do: literal('status') }),
  object({ warren: literal(1), do: literal('revoke'), id: TICKET_ID }),
  object({ warren: literal(1), do: literal('explain'), peer: PEER_ID })
])

/** The answer: `data` of its request, or the code and the words of an error. */
export const ANSWER = variant('ok', [
  object({ ok: literal(true), data: unknown() }),
  object({
    ok: literal(false),
    code: pipe(string(), maxLength(100)),
    message: pipe(string(), maxLength(4_096))
  })
])

export type ControlRequest = InferOutput<typeof REQUEST>
export type ControlAnswer = InferOutput<typeof ANSWER>
