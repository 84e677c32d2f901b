import tests from '@libp2p/interface-compliance-tests/transport'
import { TCP } from '@multiformats/multiaddr-matcher'
import { tcp } from '@warren/transport-tcp'
import { counted } from './counted.ts'

counted('transport-tcp in stock libp2p', 15, () => {
  tests({
    async setup() {
      return {
        dialer: { transports: [tcp()], connectionMonitor: { enabled: false } },
        listener: {
          transports: [tcp()],
          connectionMonitor: { enabled: false },
          addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0'] }
        },
        dialMultiaddrMatcher: TCP,
        listenMultiaddrMatcher: TCP
      }
    },
    async teardown() {}
  })
})
