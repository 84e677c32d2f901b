import { SessionClosedError, SessionSealError } from './errors.ts'
import type { DecodedHead, Head, SealedHead } from './heads.ts'
import { StreamPort } from './stream-port.ts'
import type { StreamSealer } from './stream-sealer.ts'

/** A stream that a peer opened, with its first frame. */
export interface Arrival {
  readonly port: StreamPort
  readonly head: Exclude<Head, SealedHead>
  /** What came behind the head. */
  readonly rest: Uint8Array
  /** It runs inside a seal. */
  readonly sealed: boolean
  /** Peer id of who opened it, proven by its connection. */
  readonly peer: string
  readonly linkId: string
  /** Aborts when the answer would come too late. */
  readonly signal: AbortSignal
}

/**
 * What the decoded head begins; a sealed one only after its seal was made.
 *
 * @throws what the sealer throws; {@link SessionSealError} where nothing can be sealed
 */
export async function arrive(
  port: StreamPort,
  { head, rest }: DecodedHead,
  from: Pick<Arrival, 'peer' | 'linkId' | 'signal'>,
  sealer: StreamSealer | undefined
): Promise<Arrival> {
  if (head.type !== 'sealed') return { ...from, port, head, rest, sealed: false }
  if (sealer === undefined) throw new SessionSealError('this side has nothing to seal with')
  if (port.isLost) throw new SessionClosedError('the dialler is gone')
  const { stream, held } = port.release()
  const early = new Uint8Array(Buffer.concat([rest, ...held]))
  const plain = new StreamPort(await sealer.inbound({ ...from, stream, head, rest: early }))
  // Until somebody hears it, as after every head.
  plain.pause()
  return { ...from, port: plain, head: head.head, rest: new Uint8Array(0), sealed: true }
}
