import { createHash } from 'node:crypto'
import { get } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { DemoFailedError } from '../errors.ts'

/** What {@link download} got. */
export interface Downloaded {
  readonly bytes: number
  readonly sha256: string
  /** Milliseconds from the request to the last byte. */
  readonly duration: number
  /** Milliseconds from the request to the first byte. */
  readonly firstByte: number
}

/** Downloads `url` as any HTTP client does, in one request, and hashes what comes. */
export async function download(
  url: string,
  onProgress: (bytes: number) => void,
  signal: AbortSignal
): Promise<Downloaded> {
  const started = performance.now()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).on('error', reject)
  })
  const firstByte = performance.now() - started
  if (response.statusCode !== 200) {
    response.resume()
    throw new DemoFailedError(`GET ${url} was answered with ${response.statusCode}`)
  }
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    onProgress(bytes)
  }
  return { bytes, sha256: hash.digest('hex'), duration: performance.now() - started, firstByte }
}
