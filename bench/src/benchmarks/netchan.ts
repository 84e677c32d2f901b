import { Child } from '../harness/child.ts'
import { contest } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { NATS, SOCKET_IO, VALUE_PEERS } from '../values/index.ts'
import { findNatsServer, startNatsServer } from '../values/nats-server.ts'
import type { NatsServer } from '../values/nats-server.ts'

interface Received {
  readonly seconds: number
  readonly grown: number
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
          about: `${count.toLocaleString('en-US')} objects whose JSON is 100 bytes, from one process to another over one TCP connection on loopback, each decoded and handed to the program; counted by the receiver, after a tenth as many to warm up. CPU is that of both processes (not of \`nats-server\`). Memory is how far the resident memory of each process rose above where it was after the warm-up, while all values passed.`,
          metrics: [
            { name: 'values', unit: '1,000/s', better: 'higher' },
            { name: 'CPU', unit: 'µs/value', better: 'lower' },
            { name: 'memory of the sender', unit: 'MB', better: 'lower' },
            { name: 'of the receiver', unit: 'MB', better: 'lower' }
          ],
          baseline: SOCKET_IO,
          contestants
        },
        effort,
        async (name, results) => {
          if ('missing' in found) results.note(`\`nats.js\` was left out: ${found.missing}.`)
          return measure(name, count, name === NATS ? server : undefined)
        }
      )
    } finally {
      await server?.stop()
    }
  }
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
  const pass = async (values: number): Promise<{ received: Received; grown: number }> => {
    await receiver.ask({ op: 'expect', count: values })
    const grown = await sender.ask<number>({ op: 'send', count: values })
    return { received: await receiver.ask<Received>({ op: 'finish' }), grown }
  }
  try {
    const address = await receiver.ask<string>({ op: 'listen', address: nats?.port })
    await sender.ask({ op: 'connect', address })
    await pass(Math.ceil(count / 10))
    const before = await cpu()
    const { received, grown } = await pass(count)
    const used = (await cpu()) - before
    return {
      values: count / received.seconds / 1_000,
      CPU: used / count,
      'memory of the sender': grown,
      'of the receiver': received.grown
    }
  } finally {
    await Promise.all([receiver.stop(), sender.stop()])
  }
}
