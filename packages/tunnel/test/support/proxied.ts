import { addressOf, linked, loopbackAddress, node } from './nodes.ts'
import type { Node, NodeOptions } from './nodes.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A proxy before a node. */
export async function proxyOf(target: Node): Promise<TcpProxy> {
  const port = addressOf(target)
    .getComponents()
    .find(({ name }) => name === 'tcp')?.value
  return TcpProxy.to(Number(port))
}

/** Two nodes with a proxy between them; the first dials the second. */
export async function proxied(
  options: NodeOptions = {}
): Promise<{ a: Node; b: Node; proxy: TcpProxy }> {
  const b = await node(options)
  const proxy = await proxyOf(b)
  const a = await node({ nodes: [loopbackAddress(proxy.port, b.peer)], ...options })
  await a.tunnel.connect()
  await linked(a, b)
  return { a, b, proxy }
}
