import { multiaddr } from '@multiformats/multiaddr'
import { DEFAULT_PATIENCE, DialSchedule } from '../../src/dial/dial-schedule.ts'

/** How a far end behaves when it is dialled; times in virtual milliseconds after the start. */
export type FarEnd =
  | { readonly kind: 'up'; readonly answersAfter: number; readonly connectsAfter: number }
  | { readonly kind: 'refused'; readonly after: number }
  | { readonly kind: 'silent'; readonly timeout: number }

/** What happened, when, to which address. */
export interface TraceEntry {
  readonly at: number
  readonly what: 'start' | 'stop' | 'answered' | 'failed' | 'connected'
  readonly address: string
}

/** The whole of a simulated dial. */
export interface SimResult {
  readonly trace: readonly TraceEntry[]
  /** Which address was connected to, and when; `undefined` when all failed. */
  readonly connected: { readonly address: string; readonly at: number } | undefined
  /** The greatest number of attempts in flight at once. */
  readonly peak: number
}

interface Due {
  readonly at: number
  readonly seq: number
  readonly run: () => void
}

/** Dials a network of far ends in virtual time, as the shell would with real sockets. */
export function simulateDial(
  network: Readonly<Record<string, FarEnd>>,
  options: { readonly maxParallel?: number; readonly late?: Readonly<Record<string, number>> } = {}
): SimResult {
  const schedule = new DialSchedule({
    maxParallel: options.maxParallel ?? 8,
    patience: DEFAULT_PATIENCE
  })
  const trace: TraceEntry[] = []
  const due: Due[] = []
  const flights = new Map<string, number>()
  let now = 0
  let seq = 0
  let peak = 0
  let connected: SimResult['connected']
  const later = (at: number, run: () => void): void => {
    due.push({ at, seq: seq++, run })
    due.sort((a, b) => a.at - b.at || a.seq - b.seq)
  }
  const note = (what: TraceEntry['what'], address: string): void => {
    trace.push({ at: now, what, address })
  }
  const start = (address: string): void => {
    note('start', address)
    const flight = seq++
    flights.set(address, flight)
    peak = Math.max(peak, flights.size)
    const inFlight = (run: () => void) => (): void => {
      if (flights.get(address) === flight) run()
    }
    const fail = inFlight(() => {
      flights.delete(address)
      note('failed', address)
      schedule.failed(multiaddr(address), now)
    })
    const end = network[address]
    if (end === undefined) throw new Error(`${address} is not part of the network`)
    switch (end.kind) {
      case 'refused':
        later(now + end.after, fail)
        break
      case 'silent':
        later(now + end.timeout, fail)
        break
      case 'up':
        later(
          now + end.answersAfter,
          inFlight(() => {
            note('answered', address)
            schedule.reached(multiaddr(address), now)
            schedule.answered(multiaddr(address))
          })
        )
        later(
          now + end.connectsAfter,
          inFlight(() => {
            note('connected', address)
            connected = { address, at: now }
          })
        )
        break
    }
  }
  const lateOnes = options.late ?? {}
  const early = Object.keys(network).filter(address => lateOnes[address] === undefined)
  schedule.add(
    early.map(address => multiaddr(address)),
    now
  )
  for (const [address, at] of Object.entries(lateOnes)) {
    later(at, () => schedule.add([multiaddr(address)], now))
  }
  for (let steps = 0; connected === undefined && steps < 10_000; steps++) {
    for (const command of schedule.poll(now)) {
      const address = command.address.toString()
      if (command.type === 'start') start(address)
      else {
        note('stop', address)
        flights.delete(address)
      }
    }
    const event = due[0]
    const timeout = schedule.nextTimeout()
    if (event === undefined && timeout === undefined) break
    now = Math.max(now, Math.min(event?.at ?? Infinity, timeout ?? Infinity))
    while (due[0] !== undefined && due[0].at <= now && connected === undefined) due.shift()?.run()
  }
  return { trace, connected, peak }
}

/** The starts of a trace, as `address@time`. */
export function starts({ trace }: SimResult): string[] {
  return trace.filter(({ what }) => what === 'start').map(({ address, at }) => `${address}@${at}`)
}
