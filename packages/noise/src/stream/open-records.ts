import type { MessageStream } from '@libp2p/interface'
import { receivedChunks } from '@warren/utils'
import type { HandshakeResult, Role } from '../handshake/handshake.ts'
import type { NoiseMetrics } from '../metrics.ts'
import { RecordOpener } from '../records/opener.ts'
import { RecordSealer } from '../records/sealer.ts'
import { RecordStream } from './record-stream.ts'

/** How the records of a stream differ from plain `/noise`. */
export interface RecordOptions {
  readonly endRecord?: boolean
  readonly metrics?: NoiseMetrics | undefined
}

/** The plaintext stream that a finished handshake over `raw` leads to. */
export function recordStream(
  raw: MessageStream,
  role: Role,
  { keys, early, paused }: HandshakeResult,
  { endRecord = false, metrics }: RecordOptions = {}
): RecordStream {
  const [sendKey, receiveKey] =
    role === 'initiator' ? [keys.initiator, keys.responder] : [keys.responder, keys.initiator]
  const stream = new RecordStream({
    raw,
    sealer: new RecordSealer(sendKey),
    opener: new RecordOpener(receiveKey, { endRecord, onSpent: freeLater }),
    early,
    endRecord,
    metrics
  })
  if (paused && stream.readStatus === 'readable' && raw.status === 'open') raw.resume()
  return stream
}

/**
 * Frees a chunk of the raw stream where nobody else holds it. After the event that brought it,
 * because others may listen too.
 */
function freeLater(chunk: Uint8Array): void {
  if (receivedChunks.has(chunk)) queueMicrotask(() => receivedChunks.free(chunk))
}
