import type { Impairments } from '../../src/link/impairments.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { seededRandom } from '../../src/link/seeded-random.ts'
import type { TcpSocket } from '../../src/socket/tcp-socket.ts'
import { createStack, type Stack } from '../../src/stack/stack.ts'
import { VirtualClock } from '../../src/stack/virtual-clock.ts'
import type { TcpConfig } from '../../src/tcp/tcp-config.ts'
import { Side } from './side.ts'

/** Virtual time after which a simulation has hung: beyond every timeout of a connection. */
const LIMIT = 36_000_000

/** What a seed's run came to. */
export interface SimulationResult {
  readonly connections: number
  readonly bytes: number
  readonly failed: number
  /** Virtual milliseconds until all was over. */
  readonly time: number
}

/**
 * Runs one seed: two stacks, a link that loses, delays, reorders, duplicates and corrupts, and a few
 * connections that send both ways, read slowly, half-close or abort. Throws when a byte is wrong, a
 * connection hangs or ends without a reason, a timer or a connection is left, or memory passes its
 * bound.
 */
export function simulate(seed: number): SimulationResult {
  const random = seededRandom(seed)
  const chance = (p: number): boolean => random() < p
  const upTo = (n: number): number => Math.floor(random() * n)
  const among = <T>(...choices: readonly T[]): T => choices[upTo(choices.length)] as T
  const clock = new VirtualClock(upTo(2 ** 31))
  const v6 = chance(0.3)
  const mtu = among(1500, 1500, 1420, 1280, 9000, 65535, v6 ? 1280 : 576)
  const rough = chance(0.15)
  const impairments = (): Impairments => ({
    loss: chance(0.3) ? 0 : random() * (rough ? 0.3 : 0.05),
    delay: among(0, 1, 10, 30, 100, 300),
    jitter: among(0, 0, 1, 20),
    rate: among(0, 0, 125_000, 1_250_000, 12_500_000),
    queue: among(20_000, 100_000, 262_144),
    reorder: among(0, 0, 0.01, 0.2),
    reorderDelay: among(1, 10, 50),
    duplicate: among(0, 0, 0.01, 0.1),
    corrupt: among(0, 0, 0.001, 0.02)
  })
  const links = memoryLinkPair({
    mtu,
    clock,
    seed,
    segmentation: chance(0.15) ? 65535 : 0,
    forward: impairments(),
    backward: impairments()
  })
  const tcp = (): Partial<TcpConfig> => ({
    sendBuffer: among(4096, 65536, 1_048_576),
    receiveBuffer: among(4096, 65536, 131_072),
    maxReceiveBuffer: among(131_072, 1_048_576, 8_388_608),
    congestion: among('cubic', 'cubic', 'newreno'),
    delayedAck: among(0, 40, 40, 200),
    noDelay: chance(0.3),
    sack: !chance(0.15),
    timestamps: !chance(0.15),
    windowScaling: !chance(0.15),
    // Shorter, and a lost last acknowledgement would be answered by RST.
    timeWait: among(60_000, 120_000)
  })
  const stack = (which: number): Stack =>
    createStack({
      clock,
      random: seededRandom(seed ^ (which * 0x9e3779b9)),
      secret: Uint8Array.from({ length: 16 }, () => upTo(256)),
      synCookies: among('auto', 'auto', 'always', 'never'),
      tcp: tcp()
    })
  const [a, b] = [stack(1), stack(2)]
  a.addInterface(links[0], v6 ? ['fd00::1/64'] : ['10.0.0.1/24'])
  b.addInterface(links[1], v6 ? ['fd00::2/64'] : ['10.0.0.2/24'])

  const count = 1 + upTo(4)
  const sides: Side[] = []
  const settings = Array.from({ length: count }, () => [0, 1].map(() => sideSettings()))
  function sideSettings() {
    return {
      total: among(0, 1, upTo(3000), upTo(60_000), upTo(chance(0.1) ? 1_000_000 : 200_000)),
      chunk: among(1 + upTo(100), 1 + upTo(5000), 65536),
      pause: among(0, 0, upTo(20)),
      readLimit: among(Infinity, Infinity, 1 + upTo(3000), 20_000),
      readPause: among(0, upTo(50)),
      abortAt: chance(0.06) ? upTo(100_000) : undefined,
      keepAlive: chance(0.2) ? 2000 : 0
    }
  }
  const begin = (socket: TcpSocket, which: number, end: 0 | 1): void => {
    const own = settings[which]?.[end]
    const peers = settings[which]?.[1 - end]
    if (own === undefined || peers === undefined) throw new Error('a connection that nobody opened')
    const side = new Side(socket, clock, {
      ...own,
      stream: 2 * which + end,
      expect: peers.total,
      mayFail: rough || own.abortAt !== undefined || peers.abortAt !== undefined,
      keepAlive: peers.abortAt === undefined && !rough ? own.keepAlive : 2000
    })
    sides.push(side)
  }
  const ports = new Map<number, number>()
  b.listen({ port: 80 }, socket => begin(socket, ports.get(socket.remotePort) ?? -1, 1))
  for (let which = 0; which < count; which++) {
    clock.at(clock.now() + upTo(500), () => {
      const socket = a.connect({ address: v6 ? 'fd00::2' : '10.0.0.2', port: 80 })
      ports.set(socket.localPort, which)
      begin(socket, which, 0)
    })
  }

  const started = clock.now()
  clock.run(started + LIMIT)
  const failed = sides.filter(side => side.error !== undefined).length
  for (const side of sides) side.check()
  for (const [name, one] of [
    ['a', a],
    ['b', b]
  ] as const) {
    const { connections, deadlines } = one.stats
    if (connections > 0 || deadlines > 0)
      throw new Error(`stack ${name} is left with ${connections} connections, ${deadlines} timers`)
  }
  if (clock.pending > 0) throw new Error(`${clock.pending} timers are left`)
  return {
    connections: count,
    bytes: sides.reduce((sum, side) => sum + side.received, 0),
    failed,
    time: clock.now() - started
  }
}
