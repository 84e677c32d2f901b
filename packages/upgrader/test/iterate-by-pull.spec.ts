import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { connect } from './support/pair.ts'
import { MUXERS, createPeer } from './support/peer.ts'

const PROTOCOL = '/loop/1.0.0'
const PIECE = new Uint8Array(64 * 1024).fill(7)
/** What a stock stream holds unread before it is reset. */
const LIMIT = 4 * 1024 * 1024

for (const muxer of ['mplex', 'yamux'] as const) {
  describe(`'for await' over a stream of stock ${muxer}`, () => {
    const open: Connection[] = []
    afterEach(() => {
      for (const connection of open.splice(0)) connection.abort(new Error('the test is over'))
    })

    /** Both ends of a new stream. */
    async function streams(): Promise<{ near: Stream; far: Stream; connection: Connection }> {
      const muxers = [MUXERS[muxer]]
      const [a, b] = await Promise.all([createPeer({ muxers }), createPeer({ muxers })])
      const opened = Promise.withResolvers<Stream>()
      b.registrar.handle(PROTOCOL, stream => opened.resolve(stream))
      const { outbound, inbound } = await connect(a, b)
      open.push(outbound, inbound)
      return {
        near: await outbound.newStream(PROTOCOL),
        far: await opened.promise,
        connection: outbound
      }
    }

    for (const direction of ['inbound', 'outbound'] as const) {
      it(`reads all of an ${direction} one to its end, in order`, async () => {
        const { near, far } = await streams()
        const [from, to] = direction === 'inbound' ? [near, far] : [far, near]
        const read = (async () => {
          const chunks: Uint8Array[] = []
          for await (const chunk of to) {
            chunks.push(chunk.subarray())
            await new Promise(resolve => setImmediate(resolve))
          }
          return Buffer.concat(chunks)
        })()
        const sent: Uint8Array[] = []
        for (let i = 0; i < 50; i++) {
          sent.push(Buffer.alloc(i * 100 + 1, i))
          from.send(sent[i] ?? PIECE)
        }
        await from.close()
        assert.ok((await read).equals(Buffer.concat(sent)))
      })
    }

    it('leaves what comes to a loop that waits with the stream, and goes on from there', async () => {
      const { near, far } = await streams()
      let go = (): void => {}
      const waited = new Promise<void>(resolve => {
        go = resolve
      })
      let got = 0
      const read = (async () => {
        for await (const chunk of far) {
          got += chunk.byteLength
          await waited
        }
      })()
      for (let i = 0; i < 8; i++) near.send(PIECE)
      // Stock yamux may have sent no more than its first window of four pieces by then.
      const limit = performance.now() + 1_000
      while (far.readBufferLength < 2 * PIECE.length && performance.now() < limit) {
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      assert.ok(far.readBufferLength >= 2 * PIECE.length, `${far.readBufferLength} bytes are held`)
      assert.ok(got <= 2 * PIECE.length, `${got} bytes were taken`)
      go()
      await near.close()
      await read
      assert.equal(got, 8 * PIECE.length)
    })

    it('gives the stream back to other readers when the loop is left', async () => {
      const { near, far } = await streams()
      near.send(PIECE)
      for await (const _chunk of far) break
      const more = new Promise(resolve => far.addEventListener('message', resolve, { once: true }))
      near.send(PIECE)
      await more
    })

    it('throws what ended the stream', async () => {
      const { near, far } = await streams()
      const read = assert.rejects(
        async () => {
          for await (const _chunk of far);
        },
        { name: 'StreamResetError' }
      )
      near.send(PIECE)
      near.abort(new Error('no more'))
      await read
    })

    if (muxer === 'mplex') {
      it('has the limit of its stream, which alone is reset', async () => {
        const { near, far, connection } = await streams()
        const read = assert.rejects(
          async () => {
            for await (const _chunk of far)
              await new Promise(resolve => far.addEventListener('close', resolve))
          },
          { name: 'StreamBufferError' }
        )
        for (let sent = 0; sent < 2 * LIMIT && near.status === 'open'; sent += PIECE.length) {
          if (!near.send(PIECE)) await new Promise(resolve => setTimeout(resolve, 1))
        }
        await read
        assert.equal(far.status, 'aborted')
        assert.equal(connection.status, 'open')
      })
    }
  })
}
