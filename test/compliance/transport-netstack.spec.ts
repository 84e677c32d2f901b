import tests from '@libp2p/interface-compliance-tests/transport'
import { Netstack, netstack } from '@warren/transport-netstack'
import { counted } from './counted.ts'

counted('transport-netstack in stock libp2p', 15, () => {
  tests({
    async setup() {
      return {
        dialer: { transports: [netstack()], connectionMonitor: { enabled: false } },
        listener: {
          transports: [netstack()],
          connectionMonitor: { enabled: false },
          addresses: { listen: ['/ip4/127.0.0.1/udp/0/netstack', '/ip4/127.0.0.1/udp/0/netstack'] }
        },
        dialMultiaddrMatcher: Netstack,
        listenMultiaddrMatcher: Netstack
      }
    },
    async teardown() {}
  })
})
