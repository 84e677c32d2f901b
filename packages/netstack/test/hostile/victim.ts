import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { seededRandom } from '../../src/link/seeded-random.ts'
import type { TcpSocket } from '../../src/socket/tcp-socket.ts'
import { createStack, type Stack } from '../../src/stack/stack.ts'
import type { StackOptions } from '../../src/stack/stack-options.ts'
import { VirtualClock } from '../../src/stack/virtual-clock.ts'
import { A4, B4 } from '../pair.ts'
import { ACK, RawPeer, SYN } from '../raw-peer.ts'

/** A stack at 10.0.0.2 whose only neighbour, 10.0.0.1, writes packets by hand. */
export interface Victim {
  readonly clock: VirtualClock
  readonly stack: Stack
  readonly peer: RawPeer
  /** Lets everything happen that happens at once, and within the next `ms`. */
  readonly settle: (ms?: number) => void
}

export function victim(options: StackOptions = {}): Victim {
  const clock = new VirtualClock(1_000_000)
  const [ours, theirs] = memoryLinkPair({ clock })
  const stack = createStack({
    clock,
    random: seededRandom(9),
    secret: Uint8Array.from({ length: 16 }, (_, i) => 3 * i + 1),
    ...options
  })
  stack.addInterface(theirs, [`${B4}/24`])
  return {
    clock,
    stack,
    peer: new RawPeer(ours, A4, B4),
    settle: (ms = 1) => clock.run(clock.now() + ms)
  }
}

/** A connection of the victim to which the peer's end is written by hand. */
export interface OpenConnection {
  readonly socket: TcpSocket
  readonly ports: { readonly sourcePort: number; readonly destinationPort: number }
  /** The peer's next sequence number, and the victim's, after the handshake. */
  readonly seq: number
  readonly ack: number
}

/** Has the peer open a connection to port 80, plain: no options but an MSS. */
export function open(
  { stack, peer, settle }: Victim,
  how: { readonly window?: number; readonly options?: readonly number[] } = {}
): OpenConnection {
  let accepted: TcpSocket | undefined
  const listener = stack.listen({ port: 80 }, socket => {
    accepted = socket
  })
  const ports = { sourcePort: 40_000, destinationPort: 80 }
  const seq = 5000
  const { window = 65_535, options = [2, 4, 5, 0xb4] } = how
  peer.send({ ...ports, seq: seq - 1, flags: SYN, window, options })
  settle()
  const [answer] = peer.take()
  if (answer === undefined) throw new Error('no SYN-ACK')
  const ack = (answer.seq + 1) | 0
  peer.send({ ...ports, seq, ack, flags: ACK, window })
  settle()
  listener.close()
  if (accepted === undefined) throw new Error('not accepted')
  return { socket: accepted, ports, seq, ack }
}
