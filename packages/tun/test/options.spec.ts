import assert from 'node:assert/strict'
import { DEFAULTS } from '../src/defaults.ts'
import { checkedOptions } from '../src/options.ts'
import { openTun } from '../src/tun.ts'

describe('options of openTun()', () => {
  it('are filled in, and the caller’s object is left alone', () => {
    const own = Object.freeze({ mtu: 9000 })
    assert.deepEqual(checkedOptions(own), { ...DEFAULTS, mtu: 9000 })
  })

  it('are refused out of their range, before anything is opened', async () => {
    for (const wrong of [
      { name: '' },
      { name: 'a name that is too long' },
      { name: 'a/b' },
      { mtu: 1279 },
      { mtu: 65_536 },
      { mtu: Number.NaN },
      { queueLength: 0 },
      { addresses: ['10.0.0.1'] },
      { addresses: ['10.0.0.1/33'] },
      { addresses: ['nonsense/8'] }
    ])
      await assert.rejects(openTun(wrong), { code: 'ERR_TUN_OPTION' }, JSON.stringify(wrong))
  })

  it('say what is missing when there is no device', async () => {
    await assert.rejects(openTun({ device: '/nowhere/tun' }), {
      code: 'ERR_TUN_UNAVAILABLE',
      message: /nowhere\/tun cannot be opened|Linux only|npm install koffi/
    })
  })

  it('an aborted signal ends it at once with its reason', async () => {
    const signal = AbortSignal.abort(new Error('not now'))
    await assert.rejects(openTun({ device: '/nowhere/tun', signal }), /not now/)
  })
})
