import assert from 'node:assert/strict'
import { DEFAULTS } from '../../src/defaults.ts'
import { type TcpConfig, tcpConfig } from '../../src/tcp/tcp-config.ts'

describe('TCP settings', () => {
  it('are completed by the defaults, and the caller keeps theirs', () => {
    const own = Object.freeze({ noDelay: true })
    const config = tcpConfig(own, DEFAULTS.tcp)
    assert.deepEqual(config, { ...DEFAULTS.tcp, noDelay: true })
    assert.deepEqual(own, { noDelay: true })
  })

  for (const wrong of [
    { sendBuffer: 0 },
    { receiveBuffer: 2 ** 31 },
    { delayedAck: 501 },
    { minRto: Number.NaN },
    { keepAliveProbes: 0 },
    { maxReceiveBuffer: 4096 },
    { minRto: 5000, maxRto: 1000 },
    { congestion: 'vegas' }
  ] as unknown as readonly Partial<TcpConfig>[]) {
    it(`are refused: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => tcpConfig(wrong, DEFAULTS.tcp), { code: 'ERR_NETSTACK_OPTION' })
    })
  }
})
