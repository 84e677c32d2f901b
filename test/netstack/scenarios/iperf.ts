import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectKernel } from 'node:net'
import { NetSocket } from '@warren/netstack'
import { benchNetwork } from '../support/bench-network.ts'
import type { Findings } from '../support/namespace.ts'
import { run, runAside } from '../support/run.ts'

const FIRST_PORT = 5201

const RUNS = [
  ['to us', []],
  ['from us', ['-R']],
  ['to us, four streams', ['-P', '4']],
  ['from us, four streams', ['-R', '-P', '4']]
] as const

/** Bytes of each run; the report uses more. */
const SIZE = process.env.WARREN_NETSTACK_IPERF ?? '100M'

/**
 * An unchanged iperf3 client of the kernel, through the interface and our forwarder, to an iperf3
 * server on loopback: both directions, one stream and four, an address that nobody has.
 */
export async function iperf(): Promise<Findings> {
  await using network = await benchNetwork()
  await network.tun.addRoute('10.77.0.0/16')
  network.stack.forwardTcp(request => {
    const onward = connectKernel(request.localPort, '127.0.0.1')
    onward.once('error', () => request.reject('reset'))
    onward.once('connect', () => {
      const socket = request.accept()
      if (socket === undefined) onward.destroy()
      else splice(new NetSocket(socket, { allowHalfOpen: true }), onward)
    })
  })
  run('iperf3', ['--version'])
  const findings: Record<string, number> = {}
  for (const [i, [name, more]] of RUNS.entries()) {
    // One server for each run: it is busy with the last one for a moment after its client has ended.
    const port = `${FIRST_PORT + i}`
    const server = spawn('iperf3', ['-s', '-1', '-B', '127.0.0.1', '-p', port, '--forceflush'], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await once(server.stdout, 'data')
    server.stdout.resume()
    const args = ['-c', `10.77.${i}.9`, '-p', port, '-n', SIZE, '-J', ...more]
    const report: unknown = JSON.parse(await runAside('iperf3', args))
    const { end, error } = report as {
      readonly end: { readonly sum_received?: { readonly bits_per_second: number } }
      readonly error?: string
    }
    server.kill()
    assert.ok(end.sum_received !== undefined, `${name}: ${error}`)
    assert.ok(end.sum_received.bits_per_second > 0)
    findings[name] = end.sum_received.bits_per_second / 1e9
  }
  return findings
}

function splice(ours: NetSocket, kernels: ReturnType<typeof connectKernel>): void {
  ours.pipe(kernels)
  kernels.pipe(ours)
  ours.on('error', () => kernels.resetAndDestroy())
  kernels.on('error', () => ours.resetAndDestroy())
}
