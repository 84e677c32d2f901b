import { registerHooks } from 'node:module'
import { tcp as stockTcp } from '@libp2p/tcp'
import type transportTests from '@libp2p/interface-compliance-tests/transport'
import { memory } from '@libp2p/memory'
import { webSockets } from '@libp2p/websockets'
import { Memory, TCP, WebSockets } from '@multiformats/multiaddr-matcher'
import { tcp } from '@warren/transport-tcp'
import { counted } from './counted.ts'

/** A copy of the suite of its own, in which `libp2p` means a swarm behind a facade. */
const MARK = '?in-a-swarm'
registerHooks({
  resolve(specifier, context, next) {
    if (context.parentURL?.endsWith(MARK) !== true) return next(specifier, context)
    if (specifier === 'libp2p') {
      const { href } = new URL('./libp2p-facade.js', import.meta.url)
      return { url: href, format: 'module', shortCircuit: true }
    }
    const resolved = next(specifier, context)
    return specifier.startsWith('.') ? { ...resolved, url: resolved.url + MARK } : resolved
  }
})

const suite = import.meta.resolve('@libp2p/interface-compliance-tests/transport')
const { default: tests } = (await import(suite + MARK)) as { default: typeof transportTests }

/** Each transport, where its two listeners listen, and how their addresses look. */
const TRANSPORTS = [
  { name: 'transport-tcp', transport: tcp, listen: twice('/ip4/127.0.0.1/tcp/0'), matcher: TCP },
  { name: 'stock TCP', transport: stockTcp, listen: twice('/ip4/127.0.0.1/tcp/0'), matcher: TCP },
  {
    name: 'WebSocket',
    transport: webSockets,
    listen: twice('/ip4/127.0.0.1/tcp/0/ws'),
    matcher: WebSockets
  },
  {
    name: 'memory',
    transport: memory,
    listen: ['/memory/warren-a', '/memory/warren-b'],
    matcher: Memory
  }
] as const

function twice(address: string): string[] {
  return [address, address]
}

for (const { name, transport, listen, matcher } of TRANSPORTS) {
  counted(`${name} in a swarm, in the place of libp2p`, 15, () => {
    tests({
      async setup() {
        return {
          dialer: { transports: [transport()] },
          listener: { transports: [transport()], addresses: { listen: [...listen] } },
          dialMultiaddrMatcher: matcher,
          listenMultiaddrMatcher: matcher
        }
      },
      async teardown() {}
    })
  })
}
