// The client of a benchmark: one process, one job after another.
import { answer } from '../harness/child.ts'
import { percentile } from '../harness/stats.ts'
import type { BenchConnection, BenchStream } from '../stacks/stack.ts'
import { STACKS } from '../stacks/index.ts'

const stack = STACKS[process.argv[2] ?? '']?.()
if (stack === undefined) throw new Error(`no stack ${process.argv[2]}`)
const CHUNK = Buffer.alloc(65_536, 'warren')
const kept: BenchConnection[] = []
const keptStreams: BenchStream[] = []

/** Resolves each time the stream has brought `count` bytes. */
function reader(stream: BenchStream): (count: number) => Promise<void> {
  let have = 0
  let wanted: { count: number; resolve: () => void } | undefined
  const check = (): void => {
    if (wanted === undefined || have < wanted.count) return
    have -= wanted.count
    const { resolve } = wanted
    wanted = undefined
    resolve()
  }
  stream.onData(bytes => {
    have += bytes.length
    check()
  })
  return async count =>
    new Promise(resolve => {
      wanted = { count, resolve }
      check()
    })
}

async function send(
  stream: BenchStream,
  bytes: number,
  read: (count: number) => Promise<void>
): Promise<void> {
  const head = Buffer.alloc(9, 'S')
  head.writeBigUInt64BE(BigInt(bytes), 1)
  stream.write(head)
  for (let left = bytes; left > 0; ) {
    const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left)
    left -= chunk.length
    if (!stream.write(chunk)) await stream.drained()
  }
  await read(1)
}

answer({
  async throughput({
    address,
    streams,
    bytes
  }: {
    address: string
    streams: number
    bytes: number
  }) {
    const connection = await stack.dial(address)
    const open = await Promise.all(Array.from({ length: streams }, async () => connection.open()))
    const readers = open.map(reader)
    const round = async (total: number): Promise<number> => {
      const started = performance.now()
      await Promise.all(
        open.map(async (stream, i) => send(stream, total / streams, readers[i] ?? (async () => {})))
      )
      return total / 1e6 / ((performance.now() - started) / 1000)
    }
    await round(bytes / 4)
    const rate = await round(bytes)
    await connection.close()
    return rate
  },

  async echo({ address, count, parallel }: { address: string; count: number; parallel: number }) {
    const connection = await stack.dial(address)
    const once = async (): Promise<number> => {
      const started = performance.now()
      const stream = await connection.open()
      const read = reader(stream)
      stream.write(Buffer.alloc(33, 'E'))
      await read(32)
      const took = performance.now() - started
      stream.end()
      return took
    }
    const run = async (n: number): Promise<number[]> => {
      const samples: number[] = []
      let left = n
      await Promise.all(
        Array.from({ length: parallel }, async () => {
          while (left-- > 0) samples.push(await once())
        })
      )
      return samples
    }
    await run(Math.min(count, 500))
    const started = performance.now()
    const samples = (await run(count)).sort((a, b) => a - b)
    const seconds = (performance.now() - started) / 1000
    await connection.close()
    return {
      rate: samples.length / seconds,
      p50: percentile(samples, 0.5) * 1000,
      p99: percentile(samples, 0.99) * 1000
    }
  },

  async connections({
    address,
    count,
    parallel
  }: {
    address: string
    count: number
    parallel: number
  }) {
    let done = 0
    const one = async (): Promise<void> => {
      const connection = await stack.dial(address)
      const stream = await connection.open()
      const read = reader(stream)
      stream.write(Buffer.alloc(2, 'E'))
      await read(1)
      done++
      stream.end()
      await connection.close()
    }
    const run = async (n: number): Promise<void> => {
      let left = n
      await Promise.all(
        Array.from({ length: parallel }, async () => {
          while (left-- > 0) await one()
        })
      )
    }
    await run(Math.min(count, 30))
    done = 0
    const started = performance.now()
    await run(count)
    return done / ((performance.now() - started) / 1000)
  },

  async keepConnections({ address, count }: { address: string; count: number }) {
    for (let left = count; left > 0; left -= 10) {
      kept.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(10, left) }, async () => stack.dial(address))
        ))
      )
    }
    return kept.length
  },

  async keepStreams({ address, count }: { address: string; count: number }) {
    const connection = await stack.dial(address)
    kept.push(connection)
    for (let left = count; left > 0; left -= 50) {
      keptStreams.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(50, left) }, async () => {
            const stream = await connection.open()
            const read = reader(stream)
            stream.write(Buffer.alloc(2, 'E'))
            await read(1)
            return stream
          })
        ))
      )
    }
    return keptStreams.length
  }
})
