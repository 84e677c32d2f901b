import { multiaddr } from '@multiformats/multiaddr'
import { createTunnel } from '@warren/tunnel'
import type { ByteSession, Tunnel } from '@warren/tunnel'
import { contest } from '../harness/contest.ts'
import type { Benchmark } from '../harness/contest.ts'
import { benchSwarm, listeningSwarm } from '../stacks/warren.ts'

const GiB = 2 ** 30
const CHUNK = 16_384
/** Sessions of one link that are read. */
const SESSIONS = 999
const [NONE, ONE] = ['all are read', 'one more, never read']

/** Whether a session that is never read slows the others on its link. */
export const neighbours: Benchmark = {
  name: 'neighbours',
  about: '999 sessions on one link, without and with one more that is never read',
  run: async effort => {
    const link = await openLink()
    const bytes = Math.ceil(256 * 1024 * effort.scale)
    try {
      return await contest(
        {
          title: 'Neighbours',
          about: `${SESSIONS} byte sessions on one link, ${bytes / 1024} KiB over each at once, without and with one more session whose window is full and that nobody reads. Both ends are in one process.`,
          metrics: [
            { name: 'throughput of the others', unit: 'MB/s', better: 'higher' },
            { name: 'CPU', unit: 's/GiB', better: 'lower' }
          ],
          baseline: NONE,
          contestants: [NONE, ONE]
        },
        effort,
        async contestant => {
          const stalled = contestant === ONE ? await link.stall() : undefined
          const before = process.cpuUsage()
          const started = performance.now()
          await link.pour(bytes)
          const seconds = (performance.now() - started) / 1000
          const { user, system } = process.cpuUsage(before)
          stalled?.abort()
          const moved = SESSIONS * bytes
          return {
            'throughput of the others': moved / 1e6 / seconds,
            CPU: (user + system) / 1e6 / (moved / GiB)
          }
        }
      )
    } finally {
      await link.close()
    }
  }
}

interface Link {
  /** Moves `bytes` over every session at once. */
  pour(bytes: number): Promise<void>
  /** Opens one more session and fills its window, which nobody reads. */
  stall(): Promise<ByteSession>
  close(): Promise<void>
}

async function openLink(): Promise<Link> {
  const server = await listeningSwarm('own')
  const far = createTunnel(server.swarm, { open: true, acceptBacklog: SESSIONS + 1 })
  const swarm = await benchSwarm('own')
  const near = createTunnel(swarm, { open: true, nodes: [multiaddr(server.address)] })
  await near.connect()
  const listener = await far.listen('bench', { bytes: true })
  const accepted = Array.from({ length: SESSIONS }, async () => listener.accept())
  const writers = await Promise.all(Array.from({ length: SESSIONS }, async () => dial(near)))
  const readers = await Promise.all(accepted)
  return {
    async pour(bytes) {
      const read = readers.map(async reader => take(reader, bytes))
      await Promise.all(writers.map(async writer => give(writer, bytes)))
      await Promise.all(read)
    },
    async stall() {
      const writer = await dial(near)
      await listener.accept()
      while (writer.write(new Uint8Array(CHUNK))) {
        // Until its window is full.
      }
      while (writer.stats().sentBytes < writer.stats().sendWindow) {
        // What fits is on its way; all the rest waits here.
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      return writer
    },
    async close() {
      for (const session of [...writers, ...readers]) session.abort()
      await Promise.all([near.close(), far.close()])
      await Promise.all([swarm.close(), server.swarm.close()])
    }
  }
}

async function dial(tunnel: Tunnel): Promise<ByteSession> {
  return tunnel.dial('bench', { bytes: true, timeout: 60_000 })
}

async function give(session: ByteSession, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += CHUNK) {
    if (!session.write(new Uint8Array(Math.min(CHUNK, bytes - sent)))) await session.drained()
  }
}

async function take(session: ByteSession, bytes: number): Promise<void> {
  let read = 0
  await new Promise<void>(resolve => {
    const take = (): void => {
      for (let chunk = session.read(); chunk !== undefined; chunk = session.read()) {
        read += chunk.length
      }
      if (read >= bytes) resolve()
    }
    session.onReadable = take
    take()
  })
}
