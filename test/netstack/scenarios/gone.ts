import assert from 'node:assert/strict'
import { KERNEL, benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { run } from '../support/run.ts'

/** An interface that is deleted under us is told of; one that is down drops, and comes back. */
export async function gone(): Promise<Findings> {
  for (const reader of ['pipe', 'poll'] as const) {
    await using network = await benchNetwork({ tun: { reader } })
    const { stack, tun, ended } = network
    run('ip', ['link', 'set', tun.name, 'down'])
    await assert.rejects(stack.ping(KERNEL.v4, { timeout: 300 }), { code: 'ERR_NETSTACK_TIMEOUT' })
    assert.ok(tun.link.stats.dropped > 0)
    run('ip', ['link', 'set', tun.name, 'up'])
    assert.ok((await stack.ping(KERNEL.v4)) >= 0)
    run('ip', ['link', 'delete', tun.name])
    assert.equal(Reflect.get((await ended) ?? {}, 'code'), 'ERR_TUN_INTERFACE')
    await assert.rejects(stack.ping(KERNEL.v4), { code: 'ERR_NETSTACK_UNREACHABLE' })
  }
  return {}
}
