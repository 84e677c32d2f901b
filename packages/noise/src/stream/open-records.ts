import type { MessageStream } from '@libp2p/interface'
import { receivedChunks } from '@warren/utils'
import type { HandshakeResult, Role } from '../handshake/handshake.ts'
import type { NoiseMetrics } from '../metrics.ts'
import { RecordOpener } from '../records/opener.ts'
import { RecordSealer } from '../records/sealer.ts'
import { RecordStream, type RecordStreamInit } from './record-stream.ts'
import { SealedRecordStream } from './sealed-stream.ts'

/** The plaintext of a connection whose handshake is done. */
export function openConnection(
  raw: MessageStream,
  role: Role,
  result: HandshakeResult,
  metrics: NoiseMetrics | undefined
): RecordStream {
  return resumed(raw, result, new RecordStream({ ...initOf(raw, role, result, false), metrics }))
}

/** The plaintext of a sealed stream whose handshake is done. */
export function openSealed(
  raw: MessageStream,
  role: Role,
  result: HandshakeResult
): SealedRecordStream {
  return resumed(raw, result, new SealedRecordStream(initOf(raw, role, result, true)))
}

function initOf(
  raw: MessageStream,
  role: Role,
  { keys, early }: HandshakeResult,
  endRecord: boolean
): RecordStreamInit {
  const [sendKey, receiveKey] =
    role === 'initiator' ? [keys.initiator, keys.responder] : [keys.responder, keys.initiator]
  return {
    raw,
    sealer: new RecordSealer(sendKey),
    opener: new RecordOpener(receiveKey, { endRecord, onSpent: freeLater }),
    early,
    endRecord
  }
}

/** Reads on where the handshake had to hold the raw stream. */
function resumed<T extends RecordStream>(
  raw: MessageStream,
  { paused }: HandshakeResult,
  stream: T
): T {
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
