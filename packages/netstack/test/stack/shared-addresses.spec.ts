import assert from 'node:assert/strict'
import { SharedAddresses } from '../../src/stack/shared-addresses.ts'

describe('shared addresses', () => {
  it('are the same array for the same address, and keep it when the packet is gone', () => {
    const shared = new SharedAddresses()
    const words = Int32Array.of(0, 0, 0xffff, 0x0a000001)
    const first = shared.of(words)
    words[3] = 0x0a000002
    const second = shared.of(words)
    assert.deepEqual([...first], [0, 0, 0xffff, 0x0a000001])
    assert.deepEqual([...second], [0, 0, 0xffff, 0x0a000002])
    words[3] = 0x0a000001
    assert.deepEqual([...shared.of(words)], [...first])
    assert.equal(shared.of(Int32Array.of(0, 0, 0xffff, 0x0a000001)), shared.of(words))
  })

  it('are right for more addresses than are remembered', () => {
    const shared = new SharedAddresses()
    for (let i = 0; i < 5000; i++) {
      const words = Int32Array.of(0x20010db8, i, i << 7, i * 31)
      assert.deepEqual(shared.of(words), words)
    }
  })
})
