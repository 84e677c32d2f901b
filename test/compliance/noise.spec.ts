import tests from '@libp2p/interface-compliance-tests/connection-encryption'
import { noise } from '@warren/noise'
import { counted } from './counted.ts'

counted('connection-encryption compliance: @warren/noise', 4, () => {
  tests({
    async setup(components) {
      if (components === undefined) throw new Error('the suite gives a private key')
      return noise()(components)
    },
    async teardown() {}
  })
})
