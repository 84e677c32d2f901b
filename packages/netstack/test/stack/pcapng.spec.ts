import assert from 'node:assert/strict'
import { B4, pair } from '../pair.ts'

describe('captures', () => {
  it('are pcapng: whole blocks, every packet with its time and direction', async () => {
    const { clock, a } = pair({ link: { forward: { delay: 5 } } })
    const pieces: Uint8Array[] = []
    const stop = a.capture(bytes => pieces.push(bytes), 'left')
    const pong = a.ping(B4, { size: 101 })
    clock.run()
    await pong
    stop()
    const more = a.ping(B4)
    clock.run()
    await more

    const file = Buffer.concat(pieces)
    const blocks: Buffer[] = []
    for (let at = 0; at < file.length; ) {
      const length = file.readUInt32LE(at + 4)
      assert.equal(length % 4, 0)
      assert.equal(file.readUInt32LE(at + length - 4), length)
      blocks.push(file.subarray(at, at + length))
      at += length
    }
    assert.deepEqual(
      blocks.map(block => block.readUInt32LE(0)),
      [0x0a0d0d0a, 1, 6, 6]
    )
    assert.equal(blocks[0]?.readUInt32LE(8), 0x1a2b3c4d)
    assert.equal(blocks[1]?.readUInt16LE(8), 101)
    assert.ok(blocks[1]?.includes('left'))
    const [sent, received] = blocks.slice(2)
    assert.ok(sent !== undefined && received !== undefined)
    const micros = (block: Buffer): number =>
      block.readUInt32LE(12) * 2 ** 32 + block.readUInt32LE(16)
    assert.equal(micros(sent), 1_000_000)
    assert.equal(micros(received), 1_005_000)
    for (const block of [sent, received]) {
      assert.equal(block.readUInt32LE(20), 129)
      assert.equal(block[28], 0x45)
    }
    const flags = (block: Buffer): number => block.readUInt32LE(block.length - 12)
    assert.deepEqual([flags(sent), flags(received)], [2, 1])
  })

  it('complete a checksum that was left to the link', () => {
    const { clock, a, b } = pair({ link: { skipChecksums: true } })
    const pieces: Uint8Array[] = []
    b.capture(bytes => pieces.push(bytes))
    b.listen({ port: 80 }, () => {})
    a.connect({ address: B4, port: 80 })
    clock.run(clock.now() + 10)
    // The head of the file, then the SYN.
    const syn = pieces[1]
    assert.ok(syn)
    const tcp = Buffer.from(syn.subarray(28 + 20, 28 + 60))
    let sum = 6 + 40 + 0x0a00 + 1 + 0x0a00 + 2
    for (let i = 0; i < 40; i += 2) sum += tcp.readUInt16BE(i)
    sum = (sum & 0xffff) + (sum >>> 16)
    assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff)
  })
})
