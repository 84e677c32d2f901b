import { contest } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { Child } from '../harness/child.ts'
import { FORWARDERS, sshAvailable } from '../forwarders/index.ts'

const MiB = 1024 * 1024

/** A program's TCP connection through a pair of forwarder processes. */
export const forward: Benchmark = {
  name: 'forward',
  about: 'forwarding a TCP port',
  run: async effort => {
    const missing = await sshAvailable()
    const contestants = Object.keys(FORWARDERS).filter(
      name => missing === undefined || !name.startsWith('ssh')
    )
    return contest(
      {
        title: 'Forwarding a TCP port',
        about: 'A client program, two forwarder processes, a server program, all on loopback.',
        metrics: [
          { name: '1 connection', unit: 'MB/s', better: 'higher' },
          { name: '8 connections', unit: 'MB/s', better: 'higher' },
          { name: 'new connection + echo p50', unit: 'µs', better: 'lower' },
          { name: 'p99', unit: 'µs', better: 'lower' },
          { name: '16 at once', unit: '/s', better: 'higher' }
        ],
        baseline: 'js-libp2p (Noise, yamux)',
        contestants
      },
      effort,
      async (name, results) => {
        if (missing !== undefined) results.note(`\`ssh -L\` was left out: ${missing}.`)
        const server = new Child('server', ['node:net'])
        const client = new Child('client', ['node:net'])
        let stop = async (): Promise<void> => {}
        try {
          const target = Number(await server.ask<string>({ op: 'listen' }))
          const forwarder = await FORWARDERS[name]?.(target)
          if (forwarder === undefined) throw new Error(`no forwarder ${name}`)
          stop = forwarder.stop
          const address = String(forwarder.port)
          const bytes = Math.ceil(256 * effort.scale) * MiB
          const count = Math.ceil(1000 * effort.scale)
          const one = await client.ask<number>({ op: 'throughput', address, streams: 1, bytes })
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
