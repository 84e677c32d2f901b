import { Child } from '../harness/child.ts'
import { contest, withPair } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { cpuSeconds } from '../harness/processes.ts'
import { FORWARDERS, sshAvailable } from '../forwarders/index.ts'
import { STOCK } from '../stacks/index.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

/** Nothing is forwarded here: what stock js-libp2p carries at all. */
const ONE_STREAM = 'one stream of js-libp2p, not forwarded'

/** A program's TCP connection through a pair of forwarder processes. */
export const forward: Benchmark = {
  name: 'forward',
  about: 'forwarding a TCP port',
  run: async effort => {
    const missing = await sshAvailable()
    const forwarders = Object.keys(FORWARDERS).filter(
      name => missing === undefined || !name.startsWith('ssh')
    )
    return contest(
      {
        title: 'Forwarding a TCP port',
        about:
          'A client program, two forwarder processes, a server program, all on loopback. CPU seconds are those of the two forwarders, over one connection.',
        metrics: [
          { name: '1 connection', unit: 'MB/s', better: 'higher' },
          { name: '8 connections', unit: 'MB/s', better: 'higher' },
          { name: 'CPU', unit: 's/GiB', better: 'lower' },
          { name: 'new connection + echo p50', unit: 'µs', better: 'lower' },
          { name: 'p99', unit: 'µs', better: 'lower' },
          { name: '16 at once', unit: '/s', better: 'higher' }
        ],
        baseline: 'js-libp2p (Noise, yamux)',
        contestants: [...forwarders, ONE_STREAM]
      },
      effort,
      async (name, results) => {
        if (missing !== undefined) results.note(`\`ssh -L\` was left out: ${missing}.`)
        const bytes = Math.ceil(256 * effort.scale) * MiB
        if (name === ONE_STREAM) {
          const rate = await withPair(STOCK, async ({ client, address }) =>
            client.ask<number>({ op: 'throughput', address, streams: 1, bytes })
          )
          return { '1 connection': rate }
        }
        const server = new Child('server', ['node:net'])
        const client = new Child('client', ['node:net'])
        let stop = async (): Promise<void> => {}
        try {
          const target = Number(await server.ask<string>({ op: 'listen' }))
          const forwarder = await FORWARDERS[name]?.(target)
          if (forwarder === undefined) throw new Error(`no forwarder ${name}`)
          stop = forwarder.stop
          const address = String(forwarder.port)
          const count = Math.ceil(1000 * effort.scale)
          const before = cpuSeconds(forwarder.pids)
          const one = await client.ask<number>({ op: 'throughput', address, streams: 1, bytes })
          const cpu = cpuSeconds(forwarder.pids) - before
          const eight = await client.ask<number>({ op: 'throughput', address, streams: 8, bytes })
          type Figures = { rate: number; p50: number; p99: number }
          const single = await client.ask<Figures>({ op: 'echo', address, count, parallel: 1 })
          const many = await client.ask<Figures>({
            op: 'echo',
            address,
            count: count * 2,
            parallel: 16
          })
          return {
            '1 connection': one,
            '8 connections': eight,
            // As much again is sent to warm up.
            CPU: cpu / ((bytes * 2) / GiB),
            'new connection + echo p50': single.p50,
            p99: single.p99,
            '16 at once': many.rate
          }
        } finally {
          await Promise.all([client.stop(), server.stop(), stop()])
        }
      }
    )
  }
}
