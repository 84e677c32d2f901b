import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createConnection, createServer } from 'node:net'
import { content, contentHash } from '../src/demo/content.ts'
import { CuttingRelay } from '../src/demo/cutting-relay.ts'
import { download } from '../src/demo/download.ts'
import { fileServer } from '../src/demo/file-server.ts'
import { progressLine } from '../src/demo/progress.ts'

const bytesOf = (start: number, end: number): Buffer => Buffer.concat([...content(start, end)])

describe('demo file', () => {
  it('is the same bytes from every offset', () => {
    const whole = bytesOf(0, 600_000)
    for (const start of [0, 1, 15, 16, 17, 262_143, 262_144, 599_999, 600_000]) {
      assert.ok(bytesOf(start, 600_000).equals(whole.subarray(start)), `from ${start}`)
    }
  })

  it('does not repeat itself', () => {
    const blocks = new Set<string>()
    const whole = bytesOf(0, 2 ** 20)
    for (let at = 0; at < whole.length; at += 16) blocks.add(whole.toString('latin1', at, at + 16))
    assert.equal(blocks.size, 2 ** 16)
  })

  it('is served whole and in ranges, and hashes as made', async () => {
    const size = 1_000_003
    const server = fileServer(size)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`
    try {
      const seen: number[] = []
      const got = await download(url, bytes => seen.push(bytes), new AbortController().signal)
      assert.equal(got.bytes, size)
      assert.equal(got.sha256, await contentHash(size))
      assert.equal(got.sha256, createHash('sha256').update(bytesOf(0, size)).digest('hex'))
      assert.equal(seen.at(-1), size)
      for (const [range, start, end] of [
        ['bytes=10-19', 10, 20],
        ['bytes=999999-', 999_999, size],
        ['bytes=-5', size - 5, size]
      ] as const) {
        const response = await fetch(url, { headers: { range } })
        assert.equal(response.status, 206)
        const body = Buffer.from(await response.arrayBuffer())
        assert.ok(body.equals(bytesOf(start, end)), range)
      }
      const beyond = await fetch(url, { headers: { range: `bytes=${size}-` } })
      assert.equal(beyond.status, 416)
      await beyond.body?.cancel()
      const missing = await fetch(`${url}x`)
      assert.equal(missing.status, 404)
      await missing.body?.cancel()
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('cutting relay', () => {
  it('passes bytes on, and resets both ends when a mark is passed', async () => {
    const received: Buffer[] = []
    const ends: Promise<unknown>[] = []
    const target = createServer(socket => {
      ends.push(
        new Promise(resolve =>
          socket.on('error', error => resolve((error as NodeJS.ErrnoException).code))
        )
      )
      socket.on('data', chunk => {
        received.push(chunk)
        socket.write(Buffer.alloc(chunk.length, 7))
      })
    })
    target.listen(0, '127.0.0.1')
    await once(target, 'listening')
    const cuts: number[] = []
    const relay = new CuttingRelay({ cutAt: [150, 250], onCut: n => cuts.push(n) })
    const port = await relay.listen()
    relay.target = { host: '127.0.0.1', port: (target.address() as AddressInfo).port }
    try {
      for (const expected of [1, 2]) {
        const socket = createConnection(port, '127.0.0.1')
        const ended = once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code)
        socket.write(Buffer.alloc(100))
        if (expected === 1) {
          const [first] = (await once(socket, 'data')) as [Buffer]
          assert.equal(first.length, 100)
          socket.write(Buffer.alloc(100))
        }
        assert.equal(await ended, 'ECONNRESET')
        assert.equal(await ends[expected - 1], 'ECONNRESET')
        assert.equal(relay.cuts, expected)
      }
      const after = createConnection(port, '127.0.0.1')
      after.write(Buffer.alloc(100))
      const [chunk] = (await once(after, 'data')) as [Buffer]
      assert.equal(chunk.length, 100)
      after.destroy()
      assert.deepEqual(cuts, [1, 2])
      assert.equal(Buffer.concat(received).length, 400)
    } finally {
      await relay.close()
      target.close()
    }
  })
})

describe('progress line', () => {
  it('shows share, amount, rate and cuts', () => {
    assert.equal(
      progressLine(2 ** 29, 2 ** 30, 2_000, 1),
      `[${'█'.repeat(15)}${'░'.repeat(15)}]  50 %  512 MiB of 1.0 GiB  256 MiB/s  cuts 1`
    )
    assert.match(progressLine(0, 1, 0, 0), /^\[░{30}\] {3}0 %  0 B of 1 B  0 B\/s/)
  })
})
