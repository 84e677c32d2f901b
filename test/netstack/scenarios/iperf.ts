import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectKernel } from 'node:net'
import { NetSocket } from '@warren/netstack'
import { benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { run, runAside } from '../support/run.ts'

const PORT = 5201

/** Bytes of each run; the report uses more. */
const SIZE = process.env.WARREN_NETSTACK_IPERF ?? '200M'

/**
 * An unchanged iperf3 client of the kernel, through the interface and our forwarder, to an iperf3
 * server on loopback: both directions, one stream and four, an address that nobody has.
 */
export async function iperf(): Promise<Findings> {
  await using network = await benchNetwork()
  await network.tun.addRoute('10.77.0.0/16')
  network.stack.forwardTcp(request => {
    const onward = connectKernel(PORT, '127.0.0.1')
    onward.once('error', () => request.reject('reset'))
    onward.once('connect', () => {
      const socket = request.accept()
      if (socket === undefined) onward.destroy()
      else splice(new NetSocket(socket, { allowHalfOpen: true }), onward)
    })
  })
  run('iperf3', ['--version'])
  const server = spawn('iperf3', ['-s', '-B', '127.0.0.1', '-p', `${PORT}`, '--forceflush'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  await once(server.stdout, 'data')
  const findings: Record<string, number> = {}
  try {
    for (const [name, more] of [
      ['to us', []],
      ['from us', ['-R']],
      ['to us, four streams', ['-P', '4']],
      ['from us, four streams', ['-R', '-P', '4']]
    ] as const) {
      const host = `10.77.${more.length}.9`
      const args = ['-c', host, '-p', `${PORT}`, '-C', 'cubic', '-n', SIZE, '-J', ...more]
      const report: unknown = JSON.parse(await runAside('iperf3', args))
      const { end } = report as {
        end: { sum_received: { bits_per_second: number; bytes: number } }
      }
      assert.ok(end.sum_received.bytes > 0)
      findings[name] = end.sum_received.bits_per_second / 1e9
    }
  } finally {
    server.kill()
    await once(server, 'exit')
  }
  return findings
}

function splice(ours: NetSocket, kernels: ReturnType<typeof connectKernel>): void {
  ours.pipe(kernels)
  kernels.pipe(ours)
  ours.on('error', () => kernels.resetAndDestroy())
  kernels.on('error', () => ours.resetAndDestroy())
}
