import assert from 'node:assert/strict'
import { DEFAULTS } from '../../src/defaults.ts'
import { TCB_EVENT } from '../../src/tcp/tcb-types.ts'
import { Tcb } from '../../src/tcp/tcb.ts'
import type { TcpConfig } from '../../src/tcp/tcp-config.ts'
import { FLAG } from '../../src/wire/tcp.ts'
import type { ScriptSegment } from '../support/script-parser.ts'
import { buildSegment, describeSegment } from '../support/script-segment.ts'
import { ListSink } from '../support/list-sink.ts'

const ISS = -7
const IRS = 0x7fff_fffd

function segment(flags: string, seq: number, ack: number | undefined, options: string[] = []) {
  const script: ScriptSegment = {
    flags,
    seq,
    ack,
    length: 0,
    window: 65_535,
    urgent: undefined,
    options
  }
  return buildSegment(script, { seq: IRS, ack: ISS }, [])
}

function tcb(settings: Partial<TcpConfig> = {}): Tcb {
  return new Tcb({
    config: { ...DEFAULTS.tcp, timestamps: false, ...settings },
    localPort: 1000,
    remotePort: 2000,
    iss: ISS,
    mtu: 1500,
    ipHeader: 20,
    timestampOffset: 0,
    random: () => 0.5
  })
}

/** A connection that has closed first, and is in TIME-WAIT; the peer's FIN was at 1. */
function inTimeWait(settings: Partial<TcpConfig>, options: string[]): Tcb {
  const one = tcb(settings)
  const sink = new ListSink()
  const stamp = options.length > 0 ? ['TS val 100 ecr 0'] : []
  one.accept(segment('S', 0, undefined, options), 0)
  one.poll(sink, 0)
  one.onSegment(segment('.', 1, 1, stamp), 10)
  one.close(10)
  one.poll(sink, 10)
  one.onSegment(segment('F.', 1, 2, stamp), 20)
  one.poll(sink, 20)
  assert.equal(one.state, 'time-wait')
  return one
}

describe('TIME-WAIT', () => {
  it('may be replaced by a SYN with a later number (RFC 9293 MAY-2)', () => {
    const one = inTimeWait({}, [])
    assert.ok(one.canBeReplaced(segment('S', 3, undefined)))
    assert.ok(!one.canBeReplaced(segment('S', 2, undefined)))
    assert.ok(!one.canBeReplaced(segment('S.', 3, 1)))
    assert.ok(!one.canBeReplaced(segment('R', 3, undefined)))
    // The new connection starts beyond all that the old one can have sent.
    assert.ok(((one.nextIss() - (ISS + 2)) | 0) > 65_535)
  })

  it('or by one with a later timestamp, whatever its number (RFC 6191)', () => {
    const one = inTimeWait({ timestamps: true }, ['TS val 100 ecr 0'])
    assert.ok(one.canBeReplaced(segment('S', -5000, undefined, ['TS val 101 ecr 0'])))
    assert.ok(!one.canBeReplaced(segment('S', 5000, undefined, ['TS val 99 ecr 0'])))
    assert.ok(one.canBeReplaced(segment('S', 5000, undefined, ['TS val 100 ecr 0'])))
  })

  it('alone', () => {
    const one = tcb()
    one.connect(0)
    assert.ok(!one.canBeReplaced(segment('S', 100, undefined)))
  })
})

describe('a connection by SYN cookie', () => {
  it('is open at once, with what the cookie remembers', () => {
    const one = tcb()
    one.acceptCookie(segment('.', 1, 1), { mss: 1300, windowScale: 5, sackPermitted: true }, 1000)
    assert.equal(one.state, 'established')
    assert.equal(one.takeEvents(), TCB_EVENT.connected)
    const { mss, sendScale, sendWindow, sack, srtt } = one.info()
    assert.deepEqual(
      { mss, sendScale, sendWindow, sack, srtt },
      {
        mss: 1300,
        sendScale: 5,
        sendWindow: 65_535 << 5,
        sack: true,
        srtt: 0
      }
    )
    assert.equal(one.write(new Uint8Array(10)), 10)
    const sink = new ListSink()
    assert.equal(one.poll(sink, 1000), false)
    assert.equal(sink.segments.length, 1)
    assert.equal(sink.segments[0]?.flags, FLAG.ack | FLAG.psh)
  })
})

describe('a closed connection', () => {
  it('takes nothing, sends nothing and waits for nothing', () => {
    const one = tcb()
    one.connect(0)
    one.abort()
    assert.equal(one.state, 'closed')
    assert.equal(one.takeEvents(), TCB_EVENT.closed)
    one.abort()
    one.close(1)
    one.onSegment(segment('S.', 0, 1), 1)
    one.onTimer(1e9)
    assert.equal(one.write(new Uint8Array(10)), 0)
    const sink = new ListSink()
    assert.equal(one.poll(sink, 1e9), false)
    assert.deepEqual([sink.segments.length, one.nextDeadline(), one.takeEvents()], [0, Infinity, 0])
    assert.equal(one.failure, 'aborted')
  })
})

describe('a full sink', () => {
  it('is asked again for whatever was due: SYN, data, ACK, RST', () => {
    const one = tcb()
    const sink = new ListSink()
    const blocked = (): void => {
      sink.full = true
      assert.equal(one.poll(sink, 10), true)
      sink.full = false
    }
    const take = (): string => {
      assert.equal(one.poll(sink, 10), false)
      const [first] = sink.segments.splice(0)
      assert.ok(first !== undefined && sink.segments.length === 0)
      return describeSegment(first, { seq: ISS, ack: IRS }).flags
    }
    one.connect(0)
    blocked()
    assert.equal(take(), 'S')
    one.onSegment(segment('S.', 0, 1), 10)
    blocked()
    assert.equal(take(), '.')
    one.close(10)
    blocked()
    assert.equal(take(), 'F.')
    one.abort()
    blocked()
    assert.equal(take(), 'R.')
  })
})
