import tests from '@libp2p/interface-compliance-tests/stream-muxer'
import { yamux } from '@warren/yamux'
import { counted } from './counted.ts'

// 34 tests and 12 stress tests, up to 1,000 streams with 100 messages each.
counted('stream-muxer compliance: @warren/yamux', 46, () => {
  tests({
    async setup() {
      return yamux()()
    },
    async teardown() {}
  })
})
