import assert from 'node:assert/strict'
import { DEFAULTS } from '../src/defaults.ts'
import { tcp, type TcpOptions } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'

describe('options', () => {
  it('have defaults, which undefined does not undo', () => {
    assert.deepEqual(resolveOptions(), DEFAULTS)
    const given = Object.freeze({ backlog: 7, noDelay: undefined }) as unknown as TcpOptions
    assert.deepEqual(resolveOptions(given), { ...DEFAULTS, backlog: 7 })
  })

  for (const wrong of [
    { connectTimeout: 0 },
    { connectTimeout: 2 ** 31 },
    { lingerTimeout: -1 },
    { inactivityTimeout: Number.NaN },
    { backlog: '5' },
    { noDelay: 1 },
    { unixMode: 0o1000 },
    { connectTimeuot: 5 }
  ]) {
    it(`${JSON.stringify(wrong)} is refused by name`, () => {
      assert.throws(() => tcp(wrong as unknown as TcpOptions), {
        code: 'ERR_TCP_OPTIONS',
        message: new RegExp(Object.keys(wrong)[0] ?? '')
      })
    })
  }
})
