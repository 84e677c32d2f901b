import { contest, withPair } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { STACKS, STOCK } from '../stacks/index.ts'

const LIBP2P = Object.keys(STACKS).filter(name => !name.startsWith('node:'))
const MiB = 1024 * 1024

/** Bytes per second, one way, over one and eight streams. */
export const throughput: Benchmark = {
  name: 'throughput',
  about: 'bulk bytes one way over 1 and 8 streams',
  run: async effort =>
    contest(
      {
        title: 'Throughput',
        about:
          'Bulk bytes one way in chunks of 64 KiB, counted by the server, two processes on loopback.',
        metrics: [
          { name: '1 stream', unit: 'MB/s', better: 'higher' },
          { name: '8 streams', unit: 'MB/s', better: 'higher' }
        ],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack => {
        const bytes = Math.ceil(512 * effort.scale) * MiB
        const measure = async (streams: number): Promise<number> =>
          withPair(stack, async ({ client, address }) =>
            client.ask<number>({ op: 'throughput', address, streams, bytes })
          )
        return { '1 stream': await measure(1), '8 streams': await measure(8) }
      }
    )
}

/** How long it takes to open a stream and get an answer on it. */
export const echo: Benchmark = {
  name: 'echo',
  about: 'opening a stream and echoing 32 bytes on it',
  run: async effort =>
    contest(
      {
        title: 'Stream open and echo',
        about:
          'Open a stream, send 32 bytes, get them back, end it; one after the other and 50 at once. For sockets a stream is a connection.',
        metrics: [
          { name: 'p50', unit: 'µs', better: 'lower' },
          { name: 'p99', unit: 'µs', better: 'lower' },
          { name: 'one by one', unit: '/s', better: 'higher' },
          { name: '50 in flight', unit: '/s', better: 'higher' }
        ],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack =>
        withPair(stack, async ({ client, address }) => {
          const count = Math.ceil(3000 * effort.scale)
          type Figures = { rate: number; p50: number; p99: number }
          const single = await client.ask<Figures>({ op: 'echo', address, count, parallel: 1 })
          const many = await client.ask<Figures>({
            op: 'echo',
            address,
            count: count * 2,
            parallel: 50
          })
          return {
            p50: single.p50,
            p99: single.p99,
            'one by one': single.rate,
            '50 in flight': many.rate
          }
        })
    )
}

/** Dial, upgrade, one echo, close. */
export const connections: Benchmark = {
  name: 'connections',
  about: 'connections per second',
  run: async effort =>
    contest(
      {
        title: 'Connections',
        about:
          'Dial and upgrade from a new node each time, echo one byte, close; 8 at once, counted where the echo comes back.',
        metrics: [{ name: 'rate', unit: '/s', better: 'higher' }],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack =>
        withPair(stack, async ({ client, address }) => ({
          rate: await client.ask<number>({
            op: 'connections',
            address,
            count: Math.ceil(600 * effort.scale),
            parallel: 8
          })
        }))
    )
}

/** What an idle connection and an idle stream hold at the server. */
export const memory: Benchmark = {
  name: 'memory',
  about: 'memory per idle connection and idle stream',
  run: async effort =>
    contest(
      {
        title: 'Memory at the server',
        about:
          'Growth of heap and external memory after a forced collection, divided by the number of connections or streams. For sockets a stream is a connection.',
        metrics: [
          { name: 'idle connection', unit: 'KB', better: 'lower' },
          { name: 'idle stream', unit: 'KB', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: [...LIBP2P, 'node:tls aes-128-gcm', 'node:net']
      },
      effort,
      async stack => {
        const held = async (op: string, count: number): Promise<number> =>
          withPair(stack, async ({ server, client, address }) => {
            await client.ask({ op, address, count: Math.ceil(count / 10) })
            const before = await server.ask<{ heap: number }>({ op: 'memory' })
            await client.ask({ op, address, count })
            const after = await server.ask<{ heap: number }>({ op: 'memory' })
            return (after.heap - before.heap) / count / 1000
          })
        return {
          'idle connection': await held('keepConnections', Math.ceil(200 * effort.scale)),
          'idle stream': await held('keepStreams', Math.ceil(900 * effort.scale))
        }
      }
    )
}
