import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { readStream } from '../../src/links/read-stream.ts'
import { memoryStreams } from '../../src/local/memory-stream.ts'
import { until } from '../support/nodes.ts'

async function drained(stream: Stream): Promise<void> {
  if (!stream.writableNeedsDrain) return
  await new Promise<void>(resolve => {
    stream.addEventListener('drain', () => resolve(), { once: true })
  })
}

async function readAll(stream: Stream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readStream(stream)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('memory stream', () => {
  it('carries bytes both ways, each direction ended by itself', async () => {
    const [a, b] = memoryStreams('/test')
    a.send(Buffer.from('question'))
    const closing = a.close()
    assert.equal((await readAll(b)).toString(), 'question')
    b.send(Buffer.from('answer'))
    const closed = b.close()
    assert.equal((await readAll(a)).toString(), 'answer')
    await Promise.all([closing, closed])
    await until(() => a.status === 'closed' && b.status === 'closed', 'both are closed')
  })

  it('holds its sender back while nobody reads, and then loses nothing', async () => {
    const [a, b] = memoryStreams('/test')
    const total = 4 * 1024 * 1024
    let sent = 0
    const sending = (async () => {
      while (sent < total) {
        sent += 65_536
        a.send(new Uint8Array(65_536).fill(sent / 65_536))
        await drained(a)
      }
      await a.close()
    })()
    b.pause()
    await until(() => a.writableNeedsDrain, 'the sender waits')
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.ok(sent < 1024 * 1024, `${sent} bytes were taken from a stream that nobody reads`)
    b.resume()
    const read = await readAll(b)
    await sending
    assert.equal(read.length, total)
    for (let i = 0; i < total; i += 65_536) assert.equal(read[i], (i / 65_536 + 1) & 0xff)
  })

  it('does not share memory between its ends', async () => {
    const [a, b] = memoryStreams('/test')
    const chunk = Buffer.from('before')
    a.send(chunk)
    chunk.fill('x')
    await a.close()
    assert.equal((await readAll(b)).toString(), 'before')
  })

  it('resets the other end when one is aborted', async () => {
    const [a, b] = memoryStreams('/test')
    const reading = readAll(b)
    a.abort(new Error('broken'))
    await assert.rejects(reading, { name: 'StreamResetError' })
    assert.equal(b.status, 'reset')
  })

  it('is pulled one chunk at a time by readStream', async () => {
    const [a, b] = memoryStreams('/test')
    const chunks = readStream(b)
    a.send(Buffer.from('one'))
    assert.equal(Buffer.from((await chunks.next()).value as Uint8Array).toString(), 'one')
    for (let i = 0; i < 64; i++) {
      if (a.writableNeedsDrain) break
      a.send(new Uint8Array(65_536))
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(a.writableNeedsDrain, true, 'a reader that does not ask takes no more')
    await chunks.return(undefined)
    assert.equal(
      (b as unknown as { listenerCount(type: string): number }).listenerCount('message'),
      0
    )
  })
})
