import { describeError } from '@warren/utils'
import { serveControl } from '../control/control-server.ts'
import type { NodeStatus, WarrenNode } from '../node/node-types.ts'
import type { Home } from '../state/home.ts'
import type { Context } from './context.ts'
import { describeFailure } from './describe-failure.ts'

/** What a process says of itself to `warren status`. */
export interface ProcessTitle {
  readonly command: 'share' | 'open' | 'relay'
  readonly name: string
}

/** Errors as their words: JSON has none. */
function plain(status: NodeStatus): object {
  const relays = status.relays.map(relay => ({
    ...relay,
    error: relay.error && describeFailure(relay.error)
  }))
  return { ...status, relays }
}

/**
 * Serves the control socket of a node, until disposed. Without one the command works all the same;
 * that it has none is said.
 */
export async function serveNode(
  { output }: Context,
  home: Home,
  node: WarrenNode,
  title: ProcessTitle
): Promise<AsyncDisposable> {
  const started = Date.now()
  try {
    const server = await serveControl(home.path, {
      status: () => ({
        pid: process.pid,
        home: home.path,
        ...title,
        uptime: Math.round((Date.now() - started) / 1_000),
        ...plain(node.status())
      }),
      explain: async peer => node.explain(peer),
      revoke: async id => {
        const ticket = await home.tickets.get(id)
        await node.revoke(id, new Date(ticket?.expires ?? Date.now() + 10 * 31_536_000_000))
        return { revoked: id }
      }
    })
    return { [Symbol.asyncDispose]: () => server.close() }
  } catch (error) {
    output.warn(describeError(error))
    return { [Symbol.asyncDispose]: async () => {} }
  }
}
