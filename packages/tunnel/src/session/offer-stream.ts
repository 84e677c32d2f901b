import { LinkClosedError } from '../errors.ts'
import { SessionSealError } from './errors.ts'
import { encodeHead, type OpenHead, type ResumeHead } from './heads.ts'
import type { CarrierStream, OpenRequest } from './session-host-types.ts'
import { StreamPort } from './stream-port.ts'
import type { StreamSealer } from './stream-sealer.ts'

/**
 * Sends the first head of a session on a new stream; where the session is sealed, all that follows
 * runs inside the seal. The stream is ended when that fails.
 *
 * @throws {SessionSealError} when the peer is not who, or has not what, the seal asks for; the
 * stream's error when it broke; the signal's reason
 */
export async function sendOffer(
  { stream, linkId }: CarrierStream,
  head: OpenHead | ResumeHead,
  { peer, channel, seal }: Pick<OpenRequest, 'peer' | 'channel' | 'seal'>,
  sealer: StreamSealer | undefined,
  signal: AbortSignal
): Promise<StreamPort> {
  if (seal !== true) {
    const port = new StreamPort(stream)
    port.send([encodeHead(head)])
    return port
  }
  try {
    if (sealer === undefined) throw new SessionSealError('this side has nothing to seal with')
    return new StreamPort(await sealer.outbound({ stream, peer, linkId, channel, head, signal }))
  } catch (cause) {
    // What broke says nothing of the peer: another stream may do.
    const broke = stream.status !== 'open' || cause instanceof LinkClosedError
    stream.abort(cause instanceof Error ? cause : new Error(String(cause)))
    if (signal.aborted || broke || cause instanceof SessionSealError) throw cause
    throw new SessionSealError(
      `the session with peer ${peer} could not be sealed: it does not prove the token or ticket of ` +
        'the link, or is not the peer. Try again; if it stays so, check who is in between',
      { cause }
    )
  }
}
