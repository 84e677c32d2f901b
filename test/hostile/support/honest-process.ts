// The module of an honest peer's process: it pings and echoes through the victim all the time, on a
// connection that it keeps, and tells how that went.
import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { yamux } from '@warren/yamux'
import { ECHO } from './protocols.ts'

/** What the peer was given since `begin`. */
export interface Service {
  /** Rounds: a ping and an echo of 16 KiB over a new stream each. */
  readonly rounds: number
  /** Milliseconds of the slowest one. */
  readonly slowest: number
  readonly errors: readonly string[]
  /** Dials beside the kept connection (see `dialAgain`) and how many of them failed. */
  readonly dials: number
  readonly failedDials: number
  readonly slowestDial: number
  /**
   * Event-loop delay of this process at the 99th percentile, in milliseconds. Nobody attacks it: what
   * is late here is late because the machine has other things to do.
   */
  readonly p99: number
}

const ECHO_BYTES = 16 * 1024
const PAUSE = 5
const ROUND_TIMEOUT = 10_000

const create = async () =>
  createSwarm({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
  })

const swarm = await create()
const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()
const counts = { rounds: 0, slowest: 0, dials: 0, failedDials: 0, slowestDial: 0 }
let errors: string[] = []
let address = ''
let round = 0

/** Connects, and goes on until the process ends. Resolves with the peer's id after the first round. */
export async function start(to: string): Promise<string> {
  address = to
  const connection = await swarm.dial(multiaddr(to))
  await serve(connection)
  void goOn(connection)
  return swarm.peerId.toString()
}

export function begin(): void {
  Object.assign(counts, { rounds: 0, slowest: 0, dials: 0, failedDials: 0, slowestDial: 0 })
  errors = []
  delay.reset()
}

/** Resolves when so many more rounds, which began after this call, are over. */
export async function rounds(more: number): Promise<void> {
  // The one under way began before.
  for (const enough = round + more + 1; round < enough; ) await sleep(2)
}

export function finish(): Service {
  return { ...counts, errors: [...errors], p99: delay.percentile(99) / 1e6 }
}

/** Dials anew so many times, one after the other, each from a peer of its own. */
export async function dialAgain(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const other = await create()
    const began = performance.now()
    counts.dials++
    try {
      await serveOnce(await other.dial(multiaddr(address)), async connection => {
        await other.services.ping.ping(connection.remotePeer)
      })
    } catch (error) {
      counts.failedDials++
      errors.push(`dial: ${String(error)}`)
    }
    counts.slowestDial = Math.max(counts.slowestDial, performance.now() - began)
    await other.close()
  }
}

async function serveOnce(
  connection: Connection,
  use: (connection: Connection) => Promise<void>
): Promise<void> {
  await use(connection)
  await connection.close()
}

async function goOn(first: Connection): Promise<void> {
  let connection = first
  for (;;) {
    const began = performance.now()
    try {
      if (connection.status !== 'open') connection = await swarm.dial(multiaddr(address))
      await serve(connection)
      counts.rounds++
      counts.slowest = Math.max(counts.slowest, performance.now() - began)
    } catch (error) {
      errors.push(String(error))
      await sleep(50)
    }
    round++
    await sleep(PAUSE)
  }
}

async function serve(connection: Connection): Promise<void> {
  const signal = AbortSignal.timeout(ROUND_TIMEOUT)
  await swarm.services.ping.ping(connection.remotePeer, { signal })
  await echo(await swarm.newStream(connection, ECHO, { signal }), signal)
}

async function echo(stream: Stream, signal: AbortSignal): Promise<void> {
  const sent = randomBytes(ECHO_BYTES)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const received: Uint8Array[] = []
  let bytes = 0
  stream.addEventListener('message', ({ data }) => {
    received.push(data.subarray())
    bytes += data.byteLength
    if (bytes >= sent.length) resolve()
  })
  stream.addEventListener('close', ({ error }) => reject(error ?? new Error('ended too early')))
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort)
  try {
    stream.send(sent)
    await promise
    if (!sent.equals(Buffer.concat(received))) throw new Error('the echo is not what was sent')
    await stream.close()
  } catch (error) {
    stream.abort(error as Error)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
