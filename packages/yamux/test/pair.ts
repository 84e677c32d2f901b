import { DEFAULTS } from '../src/defaults.ts'
import { ReceiveBudget } from '../src/core/receive-budget.ts'
import type { SessionEvents, SessionLimits } from '../src/core/session.ts'
import { YamuxSession } from '../src/core/session.ts'
import type { StreamState } from '../src/core/stream-state.ts'

/** A small deterministic generator (mulberry32): numbers in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export type Event =
  | { type: 'opened' | 'acknowledged' | 'ended' | 'endSent'; id: number }
  | { type: 'data'; id: number; bytes: Uint8Array }
  | { type: 'reset'; id: number; code: number }
  | { type: 'goAway' }

/** One core with everything it said. */
export class Core {
  readonly events: Event[] = []
  readonly session: YamuxSession<never>
  readonly budget: ReceiveBudget
  /** Called for data; the default leaves it unread. */
  onData: (stream: StreamState<never>, bytes: Uint8Array) => void = () => {}
  onOpened: (stream: StreamState<never>) => void = () => {}

  constructor(role: 'client' | 'server', limits: Partial<SessionLimits> = {}, now = 0) {
    this.budget = new ReceiveBudget(DEFAULTS.maxProcessBuffer)
    const events: SessionEvents<never> = {
      opened: stream => {
        this.events.push({ type: 'opened', id: stream.id })
        this.onOpened(stream)
      },
      acknowledged: ({ id }) => this.events.push({ type: 'acknowledged', id }),
      data: (stream, bytes) => {
        this.events.push({ type: 'data', id: stream.id, bytes: bytes.slice() })
        this.onData(stream, bytes)
      },
      ended: ({ id }) => this.events.push({ type: 'ended', id }),
      reset: ({ id }, code) => this.events.push({ type: 'reset', id, code }),
      progress: () => {},
      endSent: ({ id }) => this.events.push({ type: 'endSent', id }),
      goAway: () => this.events.push({ type: 'goAway' }),
      output: () => {}
    }
    this.session = new YamuxSession(role, { ...DEFAULTS, ...limits }, this.budget, events, now)
  }

  /** Everything that this core wants to send now, as one piece. */
  output(): Uint8Array {
    const parts: Uint8Array[] = []
    for (
      let out = this.session.pollOutput(1e9);
      out !== undefined;
      out = this.session.pollOutput(1e9)
    ) {
      parts.push(...out)
    }
    return Buffer.concat(parts)
  }

  /** Bytes of one stream as they came. */
  bytesOf(id: number): Buffer {
    return Buffer.concat(
      this.events.flatMap(e => (e.type === 'data' && e.id === id ? [e.bytes] : []))
    )
  }
}

/** A frame as it stands on the wire. */
export function frame(
  type: number,
  flags: number,
  id: number,
  length: number,
  body?: Uint8Array
): Buffer {
  const header = Buffer.alloc(12)
  header[1] = type
  header.writeUInt16BE(flags, 2)
  header.writeUInt32BE(id >>> 0, 4)
  header.writeUInt32BE(length >>> 0, 8)
  return body === undefined ? header : Buffer.concat([header, body])
}
