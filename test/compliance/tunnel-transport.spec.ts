import tests from '@libp2p/interface-compliance-tests/transport'
import { CODE_P2P } from '@multiformats/multiaddr'
import { fmt, optional, value } from '@multiformats/multiaddr-matcher/utils'
import type { Swarm } from '@warren/swarm'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { noise } from '@warren/noise'
import { createTunnel, generateToken, tunnelAddress, tunnelTransport } from '@warren/tunnel'
import type { Tunnel } from '@warren/tunnel'
import { yamux } from '@warren/yamux'
import { counted } from './counted.ts'

/** `/warren-peer/<carrier>/warren/<channel>`, and whom it leads to. */
const WARREN = fmt(
  ...tunnelAddress('any', '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
    .getComponents()
    .map(({ code }) => optional(value(code))),
  optional(value(CODE_P2P))
)

counted('tunnel transport in stock libp2p', 15, () => {
  let carriers: Swarm[] = []
  let tunnels: Tunnel[] = []

  /** Two tunnels on swarms of their own, linked over TCP. */
  async function linkedTunnels(): Promise<[Tunnel, Tunnel]> {
    const token = generateToken()
    const parts = { transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] }
    const far = await createSwarm({ ...parts, addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
    const near = await createSwarm(parts)
    carriers = [near, far]
    const nodes = far.listenAddrs().map(each => each.encapsulate(`/p2p/${far.peerId.toString()}`))
    const pair = [createTunnel(near, { token, nodes }), createTunnel(far, { token })] as const
    tunnels = [...pair]
    await pair[0].connect()
    return [...pair]
  }

  tests({
    async setup() {
      const [near, far] = await linkedTunnels()
      return {
        dialer: { transports: [tunnelTransport(near)], connectionMonitor: { enabled: false } },
        listener: {
          transports: [tunnelTransport(far)],
          connectionMonitor: { enabled: false },
          addresses: { listen: ['/warren/one', '/warren/two%2Fhalves'] }
        },
        dialMultiaddrMatcher: WARREN,
        listenMultiaddrMatcher: WARREN
      }
    },
    async teardown() {
      await Promise.all(tunnels.splice(0).map(tunnel => tunnel.close()))
      await Promise.all(carriers.splice(0).map(swarm => swarm.close()))
    }
  })
})
