import { contest, withPair } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { SESSIONS, STACKS, STOCK, WARREN } from '../stacks/index.ts'

const LIBP2P = Object.keys(STACKS).filter(name => !name.startsWith('node:'))
const MiB = 1024 * 1024
const GiB = 1024 * MiB

interface Latencies {
  readonly rate: number
  readonly p50: number
  readonly p99: number
}

/** Bytes per second, one way, over one and eight streams. */
export const throughput: Benchmark = {
  name: 'throughput',
  about: 'bulk bytes one way over 1 and 8 streams',
  run: async effort =>
    contest(
      {
        title: 'Throughput',
        about:
          'Bulk bytes one way in chunks of 64 KiB, counted by the server, two processes on loopback. CPU seconds are those of both processes, over one stream.',
        metrics: [
          { name: '1 stream', unit: 'MB/s', better: 'higher' },
          { name: '8 streams', unit: 'MB/s', better: 'higher' },
          { name: 'CPU', unit: 's/GiB', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack => {
        const bytes = Math.ceil(512 * effort.scale) * MiB
        const measure = async (streams: number): Promise<{ result: number; both: number }> =>
          withPair(stack, async ({ client, address, cpuOf }) =>
            cpuOf(async () => client.ask<number>({ op: 'throughput', address, streams, bytes }))
          )
        const one = await measure(1)
        const eight = await measure(8)
        // As much again is sent to warm up.
        const cpu = one.both / 1e6 / ((bytes * 2) / GiB)
        return { '1 stream': one.result, '8 streams': eight.result, CPU: cpu }
      }
    )
}

/** How long it takes to open a stream and get an answer on it. */
export const echo: Benchmark = {
  name: 'echo',
  about: 'opening a stream and echoing 32 bytes on it; ping-pong on an open one',
  run: async effort =>
    contest(
      {
        title: 'Stream open and echo',
        about:
          'Open a stream, send 32 bytes, get them back, end it; one after the other and 50 at once. For sockets a stream is a connection. CPU is that of both processes for one such stream with 50 at once. Ping-pong: 64 bytes there and back on a stream that is open.',
        metrics: [
          { name: 'p50', unit: 'µs', better: 'lower' },
          { name: 'p99', unit: 'µs', better: 'lower' },
          { name: 'one by one', unit: '/s', better: 'higher' },
          { name: '50 in flight', unit: '/s', better: 'higher' },
          { name: 'CPU', unit: 'µs', better: 'lower' },
          { name: 'ping-pong p50', unit: 'µs', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack =>
        withPair(stack, async ({ client, address, cpuOf }) => {
          const count = Math.ceil(3000 * effort.scale)
          const single = await client.ask<Latencies>({ op: 'echo', address, count, parallel: 1 })
          const many = await cpuOf(async () =>
            client.ask<Latencies>({ op: 'echo', address, count: count * 2, parallel: 50 })
          )
          return {
            p50: single.p50,
            p99: single.p99,
            'one by one': single.rate,
            '50 in flight': many.result.rate,
            CPU: many.both / (count * 2 + Math.min(count * 2, 500)),
            'ping-pong p50': await client.ask<number>({ op: 'pingPong', address, count })
          }
        })
    )
}

/** Dial, upgrade, one echo, close. */
export const connections: Benchmark = {
  name: 'connections',
  about: 'connections per second, and what one costs the server',
  run: async effort =>
    contest(
      {
        title: 'Connections',
        about:
          'Eight nodes in one process, each of which dials, upgrades, echoes one byte and closes, one connection after the other; counted by the server. Server CPU is that of one inbound connection with its echo.',
        metrics: [
          { name: 'rate', unit: '/s', better: 'higher' },
          { name: 'server CPU', unit: 'µs', better: 'lower' },
          { name: 'dial p50', unit: 'µs', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: Object.keys(STACKS)
      },
      effort,
      async stack =>
        withPair(stack, async ({ client, server, address, cpuOf }) => {
          const taken = async (): Promise<number> => server.ask<number>({ op: 'connections' })
          type Run = { seconds: number; p50: number }
          const ask = async (count: number, parallel: number): Promise<Run> =>
            client.ask<Run>({ op: 'connections', address, count, parallel })
          await ask(Math.ceil(800 * effort.scale), 8)
          const before = await taken()
          const many = await cpuOf(async () => ask(Math.ceil(800 * effort.scale), 8))
          const count = (await taken()) - before
          const alone = await ask(Math.ceil(100 * effort.scale), 1)
          return {
            rate: count / many.result.seconds,
            'server CPU': many.server / count,
            'dial p50': alone.p50
          }
        })
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
          'Growth of heap and external memory, and of resident memory, after a forced collection, divided by the number of connections (each from a node of its own) or streams (of one connection, each used once). For sockets a stream is a connection.',
        metrics: [
          { name: 'idle connection', unit: 'KB', better: 'lower' },
          { name: 'resident', unit: 'KB', better: 'lower' },
          { name: 'idle stream', unit: 'KB', better: 'lower' },
          { name: 'resident, stream', unit: 'KB', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: [...LIBP2P, 'node:tls aes-128-gcm', 'node:net']
      },
      effort,
      async stack => {
        type Memory = { heap: number; rss: number }
        const held = async (op: string, count: number): Promise<Memory> =>
          withPair(stack, async ({ server, client, address }) => {
            // Compiled code and growing tables are no part of what one more of them holds.
            await client.ask({ op, address, count: Math.ceil(count / 2) })
            const before = await server.ask<Memory>({ op: 'memory' })
            await client.ask({ op, address, count })
            const after = await server.ask<Memory>({ op: 'memory' })
            return {
              heap: (after.heap - before.heap) / count / 1000,
              rss: (after.rss - before.rss) / count / 1000
            }
          })
        const connection = await held('keepConnections', Math.ceil(800 * effort.scale))
        const stream = await held('keepStreams', Math.ceil(3000 * effort.scale))
        return {
          'idle connection': connection.heap,
          resident: connection.rss,
          'idle stream': stream.heap,
          'resident, stream': stream.rss
        }
      }
    )
}

/** Sessions beside the stream that carries them. */
export const session: Benchmark = {
  name: 'session',
  about: 'byte and message sessions beside the raw muxed stream',
  run: async effort =>
    contest(
      {
        title: 'Sessions',
        about:
          'Bulk bytes one way in chunks (messages) of 64 KiB, and 64 bytes there and back, on one raw muxed stream and on one session, which can be resumed.',
        metrics: [
          { name: 'throughput', unit: 'MB/s', better: 'higher' },
          { name: 'CPU', unit: 's/GiB', better: 'lower' },
          { name: 'round trip p50', unit: 'µs', better: 'lower' }
        ],
        baseline: WARREN,
        contestants: [WARREN, ...Object.keys(SESSIONS), STOCK]
      },
      effort,
      async stack =>
        withPair(stack, async ({ client, address, cpuOf }) => {
          const bytes = Math.ceil(512 * effort.scale) * MiB
          const bulk = await cpuOf(async () =>
            client.ask<number>({ op: 'throughput', address, streams: 1, bytes })
          )
          const count = Math.ceil(5000 * effort.scale)
          return {
            throughput: bulk.result,
            CPU: bulk.both / 1e6 / ((bytes * 2) / GiB),
            'round trip p50': await client.ask<number>({ op: 'pingPong', address, count })
          }
        })
    )
}

/** Open streams beside which the next one is opened. */
const BESIDE = 10_000

/** What becomes of it with many streams. */
export const growth: Benchmark = {
  name: 'growth',
  about: 'opening a stream beside 10,000 open ones; throughput and fairness of 1 to 64 streams',
  run: async effort =>
    contest(
      {
        title: 'Growth',
        about: `Open and echo (median) beside ${BESIDE.toLocaleString('en-US')} open streams of the same connection against the same beside none; total throughput of 8 and 64 streams against that of one; most against least bytes that the 64 streams had got when the first of them was done.`,
        metrics: [
          { name: 'open beside 10,000 / beside none', unit: 'ratio', better: 'lower' },
          { name: '8 streams / 1', unit: 'ratio', better: 'higher' },
          { name: '64 streams / 1', unit: 'ratio', better: 'higher' },
          { name: 'max / min of 64', unit: 'ratio', better: 'lower' }
        ],
        baseline: STOCK,
        contestants: [STOCK, WARREN]
      },
      effort,
      async stack => {
        const opened = await withPair(stack, async ({ client, address }) => {
          const count = Math.ceil(800 * effort.scale)
          return client.ask<{ alone: number; beside: number }>({
            op: 'beside',
            address,
            count,
            beside: BESIDE
          })
        })
        const bytes = Math.ceil(256 * effort.scale) * MiB
        const bulk = async (streams: number): Promise<{ rate: number; spread: number }> =>
          withPair(stack, async ({ client, server, address }) => {
            await server.ask({ op: 'watchSpread' })
            const rate = await client.ask<number>({ op: 'throughput', address, streams, bytes })
            return { rate, spread: await server.ask<number>({ op: 'spread' }) }
          })
        const one = await bulk(1)
        const eight = await bulk(8)
        const many = await bulk(64)
        return {
          'open beside 10,000 / beside none': opened.beside / opened.alone,
          '8 streams / 1': eight.rate / one.rate,
          '64 streams / 1': many.rate / one.rate,
          'max / min of 64': many.spread
        }
      }
    )
}
