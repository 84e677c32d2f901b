import { readFileSync } from 'node:fs'
import { Child } from '../harness/child.ts'
import { contest } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { NATS, SOCKET_IO, VALUE_PEERS } from '../values/index.ts'
import { findNatsServer, startNatsServer } from '../values/nats-server.ts'
import type { NatsServer } from '../values/nats-server.ts'
import type { Peaks } from '../values/memory-watch.ts'

/** Share of the values that passes before; by then the heaps have the size that they need. */
const WARM_UP = 1 / 3

interface Received {
  readonly seconds: number
  readonly peaks: Peaks
}

/** Typed values from one process to another. */
export const netchan: Benchmark = {
  name: 'netchan',
  about: 'one million values of 100 bytes through one channel between two processes',
  run: async effort => {
    const found = await findNatsServer()
    const server = 'path' in found ? await startNatsServer(found.path) : undefined
    const contestants = Object.keys(VALUE_PEERS).filter(
      name => name !== NATS || server !== undefined
    )
    const count = Math.ceil(1_000_000 * effort.scale)
    try {
      return await contest(
        {
          title: 'Values',
          about: `${count.toLocaleString('en-US')} objects whose JSON is 100 bytes, from one process to another over one TCP connection on loopback, each decoded and handed to the program; counted by the receiver, after a third as many to warm up. CPU is that of both processes (not of \`nats-server\`). Memory is the peak of both processes' resident memory; second half is that peak while the second half of the values passed, against the first: 1 when memory is flat.`,
          metrics: [
            { name: 'values', unit: '1,000/s', better: 'higher' },
            { name: 'CPU', unit: 'µs/value', better: 'lower' },
            { name: 'memory', unit: 'MB', better: 'lower' },
            { name: 'second half', unit: 'ratio', better: 'lower' }
          ],
          baseline: SOCKET_IO,
          contestants
        },
        effort,
        async (name, results) => {
          results.note(
            `${versions().join(', ')}${server === undefined ? '' : `, ${server.version}`}.`
          )
          if ('missing' in found) results.note(`\`nats.js\` was left out: ${found.missing}.`)
          return measure(name, count, name === NATS ? server : undefined)
        }
      )
    } finally {
      await server?.stop()
    }
  }
}

function versions(): string[] {
  return ['socket.io', 'ws', '@nats-io/transport-node', 'cbor-x', 'valibot'].map(name => {
    const path = new URL(`../../../../node_modules/${name}/package.json`, import.meta.url)
    return `${name} ${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`
  })
}

async function measure(
  name: string,
  count: number,
  nats: NatsServer | undefined
): Promise<Readonly<Record<string, number>>> {
  const receiver = new Child('values-receiver', [name])
  const sender = new Child('values-sender', [name])
  const cpu = async (): Promise<number> =>
    (await receiver.ask<number>({ op: 'cpu' })) + (await sender.ask<number>({ op: 'cpu' }))
  const pass = async (values: number): Promise<{ received: Received; sender: Peaks }> => {
    await receiver.ask({ op: 'expect', count: values })
    const peaks = await sender.ask<Peaks>({ op: 'send', count: values })
    return { received: await receiver.ask<Received>({ op: 'finish' }), sender: peaks }
  }
  try {
    const address = await receiver.ask<string>({ op: 'listen', address: nats?.port })
    await sender.ask({ op: 'connect', address })
    await pass(Math.ceil(count * WARM_UP))
    const before = await cpu()
    const { received, sender: sent } = await pass(count)
    const used = (await cpu()) - before
    const first = sent.first + received.peaks.first
    const second = sent.second + received.peaks.second
    return {
      values: count / received.seconds / 1_000,
      CPU: used / count,
      memory: Math.max(first, second) / 1e6,
      'second half': second / first
    }
  } finally {
    await Promise.all([receiver.stop(), sender.stop()])
  }
}
