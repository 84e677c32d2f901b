import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import {
  formatAddress,
  isMulticast,
  parseAddress,
  parsePrefix,
  samePrefix,
  versionOf
} from '../../src/stack/address.ts'

describe('addresses', () => {
  it('reads and writes the forms that people use', () => {
    for (const text of ['0.0.0.0', '10.0.0.1', '255.255.255.255', '::', '::1', 'fd00::1']) {
      const address = parseAddress(text)
      assert.ok(address)
      assert.equal(formatAddress(address), text)
      assert.equal(versionOf(address), isIP(text))
    }
    assert.equal(
      formatAddress(parseAddress('2001:DB8:0:0:1:0:0:1') as Int32Array),
      '2001:db8::1:0:0:1'
    )
    assert.equal(formatAddress(parseAddress('1:0:2:3:4:5:6:7') as Int32Array), '1:0:2:3:4:5:6:7')
    assert.equal(formatAddress(parseAddress('64:ff9b::1.2.3.4') as Int32Array), '64:ff9b::102:304')
  })

  it('takes exactly what Node takes for an address', () => {
    const texts = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{0,24}$/),
      fc.stringMatching(/^[0-9.]{5,14}$/)
    )
    fc.assert(
      fc.property(texts, text => {
        assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, text)
      }),
      { numRuns: 2000 }
    )
  })

  it('what it writes it reads as the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 4, maxLength: 4 }),
        words => {
          const address = Int32Array.from(words)
          assert.deepEqual(parseAddress(formatAddress(address)), address)
        }
      )
    )
  })

  it('compares prefixes', () => {
    const net = parsePrefix('10.1.0.0/16')
    assert.ok(net)
    const inside = (text: string): boolean =>
      samePrefix(net.address, parseAddress(text) as Int32Array, net.bits)
    assert.ok(inside('10.1.255.255'))
    assert.ok(!inside('10.2.0.0'))
    assert.ok(!inside('::'))
    assert.equal(parsePrefix('10.0.0.0/33'), undefined)
    assert.equal(parsePrefix('::/129'), undefined)
    assert.equal(parsePrefix('10.0.0.1')?.bits, 128)
  })

  it('knows groups', () => {
    for (const text of ['224.0.0.1', '239.1.2.3', '255.255.255.255', 'ff02::1'])
      assert.ok(isMulticast(parseAddress(text) as Int32Array), text)
    for (const text of ['10.0.0.1', 'fd00::1', '223.255.255.255', '::ff'])
      assert.ok(!isMulticast(parseAddress(text) as Int32Array), text)
  })
})
