// The client of a benchmark: one process, one job after another.
import { answer, cpuMicros } from '../harness/child.ts'
import { percentile } from '../harness/stats.ts'
import type { BenchClient, BenchConnection, BenchStream } from '../stacks/stack.ts'
import { stackOf } from '../stacks/index.ts'

const stack = stackOf(process.argv[2])
const CHUNK = Buffer.alloc(65_536, 'warren')
const kept: BenchConnection[] = []
const keptStreams: BenchStream[] = []

type Read = (count: number) => Promise<void>

/** Resolves each time the stream has brought `count` bytes. */
function reader(stream: BenchStream): Read {
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

async function send(stream: BenchStream, bytes: number, read: Read): Promise<void> {
  const head = Buffer.alloc(9, 'S')
  head.writeBigUInt64BE(BigInt(bytes), 1)
  if (!stream.write(head)) await stream.drained()
  for (let left = bytes; left > 0; ) {
    const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left)
    left -= chunk.length
    if (!stream.write(chunk)) await stream.drained()
  }
  await read(1)
}

/** For an answer on a stream that may be reset without a word. */
async function within<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('no answer in 5 s')), 5_000)
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Opens a stream, gets 32 bytes back on it and ends it; how many milliseconds the first two took. */
async function openAndEcho(connection: BenchConnection): Promise<number> {
  const started = performance.now()
  const stream = await connection.open()
  const read = reader(stream)
  stream.write(Buffer.alloc(33, 'E'))
  await within(read(32))
  const took = performance.now() - started
  stream.end()
  return took
}

/** Opens a stream that stays open. */
async function keepStream(connection: BenchConnection): Promise<void> {
  const stream = await connection.open()
  const read = reader(stream)
  stream.write(Buffer.alloc(2, 'E'))
  await read(1)
  keptStreams.push(stream)
}

async function keepMany(connection: BenchConnection, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, left) }, async () => keepStream(connection))
    )
  }
}

async function dial(address: string): Promise<BenchConnection> {
  return (await stack.client()).dial(address)
}

/** Jobs of one kind that may fail, as streams of some contestants do at times. */
const MAX_FAILURES = 20

/** Runs a job `count` times, `parallel` at once; its results. One that fails is done again. */
async function times<T>(count: number, parallel: number, job: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let left = count
  let failures = 0
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      try {
        results.push(await job())
      } catch (error) {
        if (++failures > MAX_FAILURES) throw error
        left++
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return results
}

const sorted = (samples: number[]): number[] => samples.sort((a, b) => a - b)

answer({
  cpu: () => cpuMicros(),

  async throughput({ address, streams, bytes }: Job & { streams: number; bytes: number }) {
    const connection = await dial(address)
    const open = await Promise.all(Array.from({ length: streams }, async () => connection.open()))
    const readers = open.map(reader)
    const round = async (total: number): Promise<number> => {
      const started = performance.now()
      const share = Math.floor(total / streams)
      await Promise.all(
        open.map(async (stream, i) => send(stream, share, readers[i] ?? (async () => {})))
      )
      return (share * streams) / 1e6 / ((performance.now() - started) / 1000)
    }
    await round(bytes)
    const rate = await round(bytes)
    await connection.close()
    return rate
  },

  async echo({ address, count, parallel }: Job & { count: number; parallel: number }) {
    const connection = await dial(address)
    const once = async (): Promise<number> => openAndEcho(connection)
    await times(Math.min(count, 500), parallel, once)
    const started = performance.now()
    const samples = sorted(await times(count, parallel, once))
    const seconds = (performance.now() - started) / 1000
    await connection.close()
    return {
      rate: samples.length / seconds,
      p50: percentile(samples, 0.5) * 1000,
      p99: percentile(samples, 0.99) * 1000
    }
  },

  /** 64 bytes there and back on an open stream: median microseconds. */
  async pingPong({ address, count }: Job & { count: number }) {
    const connection = await dial(address)
    const stream = await connection.open()
    const read = reader(stream)
    const ping = Buffer.alloc(64, 'E')
    stream.write(Buffer.alloc(65, 'E'))
    await read(64)
    const once = async (): Promise<number> => {
      const started = performance.now()
      stream.write(ping)
      await read(64)
      return performance.now() - started
    }
    // Until both ends are compiled; that takes some thousand turns.
    await times(count * 3, 1, once)
    const samples = sorted(await times(count, 1, once))
    await connection.close()
    return percentile(samples, 0.5) * 1000
  },

  /** Each worker is one node that dials, echoes a byte and closes, one connection after the other. */
  async connections({ address, count, parallel }: Job & { count: number; parallel: number }) {
    const idle: BenchClient[] = await Promise.all(
      Array.from({ length: parallel }, async () => stack.client())
    )
    const once = async (): Promise<number> => {
      const client = idle.pop()
      if (client === undefined) throw new Error('more workers than nodes')
      const started = performance.now()
      const connection = await client.dial(address)
      const took = performance.now() - started
      const stream = await connection.open()
      const read = reader(stream)
      stream.write(Buffer.alloc(2, 'E'))
      await read(1)
      stream.end()
      await connection.close()
      idle.push(client)
      return took
    }
    const started = performance.now()
    const samples = sorted(await times(count, parallel, once))
    return {
      seconds: (performance.now() - started) / 1000,
      p50: percentile(samples, 0.5) * 1000
    }
  },

  async keepConnections({ address, count }: Job & { count: number }) {
    await times(count, 10, async () => kept.push(await dial(address)))
  },

  async keepStreams({ address, count }: Job & { count: number }) {
    const connection = kept[0] ?? (await dial(address))
    kept[0] = connection
    await keepMany(connection, count)
  },

  /** Opens streams and echoes on them with none open beside them, then beside `beside` open ones. */
  async beside({ address, count, beside }: Job & { count: number; beside: number }) {
    const connection = await dial(address)
    const once = async (): Promise<number> => openAndEcho(connection)
    await times(500, 1, once)
    const alone = percentile(sorted(await times(count, 1, once)), 0.5)
    await keepMany(connection, beside)
    await times(200, 1, once)
    const after = percentile(sorted(await times(count, 1, once)), 0.5)
    return { alone: alone * 1000, beside: after * 1000 }
  }
})

interface Job {
  readonly address: string
}
