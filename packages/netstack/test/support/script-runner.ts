import assert from 'node:assert/strict'
import { DEFAULTS } from '../../src/defaults.ts'
import type { SegmentSink } from '../../src/tcp/segment-sink.ts'
import { Tcb } from '../../src/tcp/tcb.ts'
import { TCB_EVENT, type TcbInfo } from '../../src/tcp/tcb-types.ts'
import { tcpConfig } from '../../src/tcp/tcp-config.ts'
import { Slab } from '../../src/wire/slab.ts'
import { FLAG, TcpSegment, parseTcp } from '../../src/wire/tcp.ts'
import type { Script, ScriptSegment, ScriptStep } from './script-parser.ts'
import { buildSegment, describeSegment, patternByte } from './script-segment.ts'

/** Absolute numbers of relative 0: ours, and the peer's. Both wrap within the first bytes. */
const OURS = -7
const PEERS = 0x7fff_fffd
/** The peer's timestamp clock starts here. */
const PEER_CLOCK = 1_000_000

/** A segment that left, and when. */
interface Sent {
  readonly at: number
  readonly segment: ScriptSegment
}

/** Runs one script against a connection in virtual time; throws at the first difference. */
export class ScriptRunner implements SegmentSink {
  readonly slab = new Slab(0x2_0000)
  readonly maxPayload: number
  readonly #tcb: Tcb
  readonly #timestamps: boolean
  readonly #sent: Sent[] = []
  #now = 1000
  #written = 1
  #read = 1
  #lastStamp = 0
  #opened = false
  #stamped = false
  /** Segments that the link takes before it is full. */
  #room = Infinity

  constructor(script: Script) {
    const { settings } = script
    const overrides: Record<string, unknown> = { timestamps: false }
    for (const [name, value] of settings) {
      if (name in DEFAULTS.tcp) {
        overrides[name] = value === 'true' || value === 'false' ? value === 'true' : value
        if (/^\d+$/.test(value)) overrides[name] = Number(value)
      }
    }
    const config = tcpConfig(overrides, DEFAULTS.tcp)
    this.#timestamps = config.timestamps
    this.maxPayload = Number(settings.get('maxPayload') ?? 0)
    this.#tcb = new Tcb({
      config,
      localPort: 1000,
      remotePort: 2000,
      iss: OURS,
      mtu: Number(settings.get('mtu') ?? 1500),
      ipHeader: settings.get('ip') === '6' ? 40 : 20,
      timestampOffset: 0,
      random: () => 0.5
    })
  }

  /** Runs all steps; what was sent and not expected fails too. */
  run(steps: readonly ScriptStep[]): void {
    for (const step of steps) {
      try {
        this.#advance(this.#now + step.after, step.action.kind === 'out')
        this.#step(step.action)
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        throw new Error(`line ${step.line}: ${step.text}\n${message}`, { cause: error })
      }
    }
    this.#nothingLeft()
  }

  // --- the connection's side of the wire ------------------------------------------------------

  reserve(length: number): number {
    assert.ok(length > 0 && length <= this.slab.size)
    return this.#room > 0 ? 0 : -1
  }

  commit(length: number, segmentSize: number): void {
    this.#room--
    const segment = new TcpSegment()
    assert.ok(parseTcp(this.slab, 0, length, segment))
    assert.equal(segment.sourcePort, 1000)
    assert.equal(segment.destinationPort, 2000)
    if (segment.hasTimestamps) this.#lastStamp = segment.tsValue
    const described = describeSegment(segment, { seq: OURS, ack: PEERS })
    assert.equal(segmentSize > 0, described.length > segmentSize && segmentSize > 0)
    this.#sent.push({ at: this.#now, segment: described })
  }

  // --- time -----------------------------------------------------------------------------------

  /** Lets timers run up to `time`; whoever expects a segment then takes what they send there too. */
  #advance(time: number, expecting: boolean): void {
    for (;;) {
      const deadline = this.#tcb.nextDeadline()
      if (!this.#opened || deadline > time) break
      // A timer in the past would be asked for for ever.
      assert.ok(deadline >= this.#now - 1e-6, `deadline ${deadline} lies before ${this.#now}`)
      this.#now = Math.max(deadline, this.#now)
      this.#tcb.onTimer(this.#now)
      this.#poll()
      const next = this.#tcb.nextDeadline()
      assert.ok(next > this.#now, `a timer of ${next} stays due at ${this.#now}`)
      if (!expecting) this.#nothingLeft()
    }
    this.#now = time
  }

  #poll(): void {
    for (let rounds = 0; this.#tcb.poll(this, this.#now); rounds++) {
      if (this.#room <= 0) return
      assert.ok(rounds < 1000, 'poll never comes to an end')
    }
  }

  #nothingLeft(): void {
    const [first] = this.#sent
    if (first !== undefined) {
      assert.fail(`sent, and not expected: ${print(first.segment)} at +${first.at - 1000} ms`)
    }
  }

  // --- steps ----------------------------------------------------------------------------------

  #step(action: ScriptStep['action']): void {
    if (action.kind === 'out') {
      this.#expect(action.segment)
      return
    }
    this.#nothingLeft()
    if (action.kind === 'in') this.#inject(action.segment)
    else this.#call(action.name, action.args)
    this.#poll()
  }

  #expect(wanted: ScriptSegment): void {
    const first = this.#sent.shift()
    if (first === undefined) {
      assert.fail(
        `nothing was sent; the next timer is at ${this.#tcb.nextDeadline() - this.#now} ms`
      )
    }
    assert.ok(
      Math.abs(first.at - this.#now) < 0.5,
      `sent ${first.at - this.#now} ms later than expected: ${print(first.segment)}`
    )
    const { segment } = first
    const same: ScriptSegment = {
      flags: wanted.flags.split('').sort().join(''),
      seq: wanted.seq,
      length: wanted.length,
      ack: wanted.ack,
      window: wanted.window ?? segment.window,
      urgent: wanted.urgent,
      options: wanted.options?.map(option => this.#complete(option, segment)) ?? segment.options
    }
    assert.deepEqual({ ...segment, flags: segment.flags.split('').sort().join('') }, same)
  }

  /** `TS` alone stands for timestamps of any value. */
  #complete(option: string, segment: ScriptSegment): string {
    if (option !== 'TS') return option
    return segment.options?.find(other => other.startsWith('TS')) ?? option
  }

  #inject(script: ScriptSegment): void {
    const named = script.options ?? []
    const syn = script.flags.includes('S')
    if (syn && named.some(option => option.startsWith('TS'))) this.#stamped = true
    // Once agreed on, timestamps are in every segment.
    const stamp =
      this.#timestamps &&
      this.#stamped &&
      !script.flags.includes('R') &&
      !named.some(option => option.startsWith('TS') || option === 'noTS')
    const extra = stamp
      ? [`TS val ${PEER_CLOCK + Math.floor(this.#now)} ecr ${this.#lastStamp}`]
      : []
    const segment = buildSegment(script, { seq: PEERS, ack: OURS }, extra)
    if (this.#opened) this.#tcb.onSegment(segment, this.#now)
    else {
      assert.equal(segment.flags & FLAG.syn, FLAG.syn, 'a script opens by a call or by a SYN')
      this.#opened = true
      this.#tcb.accept(segment, this.#now)
    }
  }

  #call(name: string, args: readonly string[]): void {
    const tcb = this.#tcb
    const number = Number(args[0] ?? Number.NaN)
    switch (name) {
      case 'connect':
        this.#opened = true
        tcb.connect(this.#now)
        break
      case 'write': {
        const bytes = Uint8Array.from({ length: number }, (_, i) => patternByte(this.#written + i))
        const taken = tcb.write(bytes)
        assert.equal(taken, Number(args[1] ?? number), 'bytes taken by write')
        this.#written += taken
        break
      }
      case 'urgent':
        tcb.markUrgent()
        break
      case 'read': {
        const bytes = new Uint8Array(number)
        assert.equal(tcb.read(bytes), number, 'bytes read')
        for (const byte of bytes) assert.equal(byte, patternByte(this.#read++))
        break
      }
      case 'close':
        tcb.close(this.#now)
        break
      case 'abort':
        tcb.abort()
        break
      case 'discard':
        tcb.discardInput(this.#now)
        break
      case 'nodelay':
        tcb.setNoDelay(args[0] === 'on')
        break
      case 'keepalive':
        tcb.setKeepAlive(number, this.#now)
        break
      case 'usertimeout':
        tcb.setUserTimeout(number)
        break
      case 'toobig':
        assert.equal(
          tcb.onPathMtu(number, (Number(args[1]) + OURS) | 0, this.#now),
          args[2] !== 'no'
        )
        break
      case 'icmp':
        tcb.onIcmpError(args[0] === 'hard' ? 'hard' : 'soft', (Number(args[1]) + OURS) | 0)
        break
      case 'link':
        this.#room = args[0] === 'open' ? Infinity : number
        break
      case 'events':
        this.#events(args)
        break
      case 'expect':
        this.#compare(args)
        break
      default:
        assert.fail(`unknown call: ${name}`)
    }
  }

  #events(names: readonly string[]): void {
    const events = this.#tcb.takeEvents()
    const happened = Object.entries(TCB_EVENT).filter(([, bit]) => (events & bit) !== 0)
    assert.deepEqual(happened.map(([name]) => name).sort(), [...names].sort())
  }

  /** `expect NAME [OPERATOR] VALUE`; `NAME/mss` is in segments. */
  #compare([name = '', ...rest]: readonly string[]): void {
    const value = this.#value(name.replace('/mss', ''))
    const [operator, wanted] = rest.length === 1 ? ['=', rest[0]] : rest
    if (typeof value !== 'number') {
      assert.equal(String(value), wanted)
      return
    }
    const measured = name.endsWith('/mss') ? value / this.#tcb.info().mss : value
    const bound = Number(wanted)
    const holds =
      operator === '<'
        ? measured < bound
        : operator === '>'
          ? measured > bound
          : operator === '~'
            ? Math.abs(measured - bound) <= Math.max(1, bound * 0.02)
            : measured === bound
    assert.ok(holds, `${name} is ${measured}, expected ${operator} ${wanted}`)
  }

  #value(name: string): unknown {
    const tcb = this.#tcb
    if (name === 'readable') return tcb.readable
    if (name === 'writable') return tcb.writable
    if (name === 'failure') return tcb.failure ?? 'none'
    if (name === 'urgentAhead') return tcb.urgentAhead
    const info = tcb.info()
    assert.ok(name in info, `nothing is called ${name}`)
    return info[name as keyof TcbInfo]
  }
}

function print(segment: ScriptSegment): string {
  const { flags, seq, length, ack, window, options } = segment
  const acked = ack === undefined ? '' : ` ack ${ack}`
  return `${flags} ${seq}:${seq + length}(${length})${acked} win ${window} <${options?.join(',') ?? ''}>`
}
