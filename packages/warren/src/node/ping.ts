import { randomBytes } from 'node:crypto'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'
import type { Swarm } from '@warren/swarm'
import { waitFor } from '@warren/utils'

/** https://github.com/libp2p/specs/blob/master/ping/ping.md */
const PROTOCOL = '/ipfs/ping/1.0.0'
const BYTES = 32
/** Milliseconds that the peer has to end its side of the stream. */
const ENDING = 1_000

/**
 * Milliseconds from sending 32 bytes to having them back, on a stream that is open already: the
 * time of the wire, without dial and negotiation. (The stock service counts whole milliseconds.)
 */
export async function pingOver(
  swarm: Swarm,
  connection: Connection,
  signal?: AbortSignal
): Promise<number> {
  const stream = await swarm.newStream(connection, PROTOCOL, {
    runOnLimitedConnection: true,
    ...(signal === undefined ? {} : { signal })
  })
  try {
    // The first exchange also carries the negotiation; the second is measured.
    await exchange(stream, signal)
    const started = performance.now()
    await exchange(stream, signal)
    return performance.now() - started
  } finally {
    await end(stream)
  }
}

/** Ends our side and waits for the peer's, so that the next ping finds the place free. */
async function end(stream: Stream): Promise<void> {
  const limit = AbortSignal.timeout(ENDING)
  try {
    const closed = new Promise<void>(resolve => {
      stream.addEventListener('close', () => resolve(), { once: true })
    })
    await stream.close({ signal: limit })
    if (stream.status !== 'closed') await waitFor(closed, limit)
  } catch {
    stream.abort(new Error('the ping is over'))
  }
}

async function exchange(stream: Stream, signal: AbortSignal | undefined): Promise<void> {
  const sent = randomBytes(BYTES)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = Buffer.alloc(0)
  const onMessage = ({ data }: StreamMessageEvent): void => {
    received = Buffer.concat([received, data instanceof Uint8Array ? data : data.subarray()])
    if (received.length < BYTES) return
    if (received.equals(sent)) resolve()
    else reject(new Error('the peer answered the ping with other bytes'))
  }
  const onClose = (): void => reject(new Error('the peer ended the ping'))
  stream.addEventListener('message', onMessage)
  stream.addEventListener('close', onClose)
  try {
    stream.send(sent)
    await waitFor(promise, signal)
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('close', onClose)
  }
}
