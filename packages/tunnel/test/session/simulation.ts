import assert from 'node:assert/strict'
import { SessionLostError, SessionResetError } from '../../src/session/errors.ts'
import { HeadDecoder, type OpenHead, type ResumeHead, encodeHead } from '../../src/session/heads.ts'
import { MemoryBudget } from '../../src/session/memory-budget.ts'
import type { SessionCore } from '../../src/session/session-core.ts'
import { AcceptedEnd, DialledEnd, type EndContext } from '../../src/session/session-ends.ts'
import { type SessionOptions, sessionOptions } from '../../src/session/session-options.ts'
import { Clock, Random, Wire, type WireEnd } from './virtual-world.ts'

/** What a run has met, so that a test can see that it met it. */
export interface SimulationReport {
  cuts: number
  resumes: number
  replayedBytes: number
  deliveredBytes: number
  fenced: number
  grown: number
  lingered: number
}

/** The byte at offset `o` of a direction is a function of the seed alone. */
function byteAt(seed: number, offset: number): number {
  return Math.imul(offset + seed, 0x9e37_79b1) >>> 24
}

/** The application of one end: writes its bytes in sizes of its own, reads, and checks all. */
class App {
  readonly #core: SessionCore
  readonly #random: Random
  readonly #clock: Clock
  readonly #outSeed: number
  readonly #inSeed: number
  readonly #total: number
  readonly #abortAt: number
  readonly #pump: () => void
  written = 0
  read = 0
  stalled = false
  ending: { error: Error | undefined } | undefined
  #ended = false

  constructor(
    core: SessionCore,
    world: World,
    init: { out: number; in: number; total: number; abortAt: number },
    pump: () => void
  ) {
    this.#core = core
    this.#random = world.random
    this.#clock = world.clock
    this.#outSeed = init.out
    this.#inSeed = init.in
    this.#total = init.total
    this.#abortAt = init.abortAt
    this.#pump = pump
  }

  write(): void {
    while (this.written < this.#total && !this.#core.isWriteEnded) {
      if (!this.#core.hasRoom) return
      const left = this.#total - this.written
      const length = Math.min(left, this.#random.size(1, 20_000))
      const chunk = new Uint8Array(length)
      for (let i = 0; i < length; i++) chunk[i] = byteAt(this.#outSeed, this.written + i)
      this.written += length
      if (this.written >= this.#abortAt) {
        const error = new SessionResetError('the test aborts', 4_711)
        this.#core.abort(4_711, 'the test aborts', error, this.#clock.now)
        return
      }
      const more = this.#core.write(chunk)
      if (this.#random.chance(0.02)) this.#core.sync()
      if (!more) return
    }
    if (this.written >= this.#total && !this.#ended) {
      this.#ended = true
      if (this.#random.chance(0.5)) this.#core.end(this.#clock.now)
      else this.#core.close(this.#clock.now)
    }
  }

  readSome(): void {
    if (this.stalled) return
    for (;;) {
      if (this.#random.chance(0.03)) {
        this.stalled = true
        this.#clock.after(this.#random.size(1, 1_000), () => {
          this.stalled = false
          this.readSome()
          this.#pump()
        })
        return
      }
      const chunk = this.#core.read(this.#random.size(1, 70_000), this.#clock.now)
      if (chunk === undefined) return
      for (let i = 0; i < chunk.length; i++) {
        if (chunk[i] !== byteAt(this.#inSeed, this.read + i)) {
          assert.fail(`wrong byte at offset ${this.read + i}`)
        }
      }
      this.read += chunk.length
    }
  }
}

/** What both ends of a world share. */
class World {
  readonly random: Random
  readonly clock = new Clock()
  readonly budget: MemoryBudget
  readonly options: SessionOptions
  readonly report: SimulationReport
  cutsLeft: number

  constructor(seed: number) {
    this.random = new Random(seed)
    const window = this.random.size(1_024, 65_536)
    this.options = sessionOptions({
      sessionWindow: window,
      maxSessionWindow: window * this.random.int(1, 16),
      maxMessageBytes: 1,
      // Nothing here is lost by time: a reader may stall, and links come back.
      resumeTimeout: 300_000,
      closeTimeout: 200_000
    })
    this.budget = new MemoryBudget(this.random.chance(0.3) ? window * 5 : 1 << 24)
    this.cutsLeft = this.random.chance(0.1) ? 0 : this.random.int(1, 12)
    this.report = {
      cuts: 0,
      resumes: 0,
      replayedBytes: 0,
      deliveredBytes: 0,
      fenced: 0,
      grown: 0,
      lingered: 0
    }
  }

  get context(): EndContext {
    return { options: this.options, budget: this.budget }
  }

  wire(ends: [WireEnd, WireEnd]): Wire {
    let cutAfter = Number.MAX_SAFE_INTEGER
    if (this.cutsLeft > 0) {
      this.cutsLeft--
      // Many cuts within the heads, many within the first frames, some late.
      cutAfter = this.random.chance(0.3) ? this.random.int(0, 250) : this.random.size(100, 40_000)
    }
    return new Wire(this.clock, this.random, ends, cutAfter, () => this.report.cuts++)
  }
}

/** One end of one wire: the head first, frames once it is attached. */
class Attachment implements WireEnd {
  readonly side: 0 | 1
  wire: Wire | undefined
  epoch = -1
  writable = true
  decoder: HeadDecoder | undefined = new HeadDecoder()
  readonly #node: Node

  constructor(side: 0 | 1, node: Node) {
    this.side = side
    this.#node = node
  }

  send(chunks: readonly Uint8Array[]): void {
    this.writable = this.wire?.send(this.side, chunks) ?? false
  }

  close(): void {
    this.wire?.close(this.side)
  }

  onBytes(chunk: Uint8Array): void {
    if (this.decoder === undefined) {
      this.#node.onFrames(this, chunk)
      return
    }
    const decoded = this.decoder.push(chunk)
    if (decoded === undefined) return
    this.decoder = undefined
    this.#node.onHead(this, decoded.head)
    if (decoded.rest.length > 0) this.#node.onFrames(this, decoded.rest)
  }

  onDrain(): void {
    this.writable = true
    this.#node.pump()
  }

  onClosed(): void {
    this.#node.onLost(this)
  }
}

/** What the two ends have in common: a core, its application, and the stream attached last. */
abstract class Node {
  readonly world: World
  app: App | undefined
  core: SessionCore | undefined
  current: Attachment | undefined
  gone = false
  #wakeAt = Number.POSITIVE_INFINITY

  constructor(world: World) {
    this.world = world
  }

  abstract onHead(attachment: Attachment, head: ReturnType<typeof headOf>): void
  abstract onDetached(): void

  onFrames(attachment: Attachment, chunk: Uint8Array): void {
    if (this.core === undefined) return
    if (attachment.epoch < this.core.epoch) this.world.report.fenced++
    this.core.receive(attachment.epoch, chunk, this.world.clock.now)
    this.pump()
  }

  onLost(attachment: Attachment): void {
    if (this.core === undefined || attachment.epoch === -1) return
    this.core.detach(attachment.epoch, this.world.clock.now)
    this.pump()
  }

  attached(attachment: Attachment, epoch: number): void {
    const older = this.current
    // A shell closes the older stream at once, or later: what it still brings is fenced.
    if (older !== undefined && older !== attachment) {
      this.world.clock.after(this.world.random.int(0, 60), () => older.close())
    }
    attachment.epoch = epoch
    this.current = attachment
  }

  /** What every shell does after anything happened. */
  pump(): void {
    const { core, app } = this
    if (core === undefined || app === undefined) return
    app.readSome()
    app.write()
    this.#flush(core)
    for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) {
      if (event === 'detached') this.onDetached()
      if (event === 'ended') {
        app.ending = core.ending
        if (core.life === 'lingering') this.world.report.lingered++
      }
      if (event === 'gone') this.#finish(core)
    }
    this.#flush(core)
    this.#arm(core)
  }

  #flush(core: SessionCore): void {
    while (core.hasOutput && this.current?.writable === true) {
      const out = core.pollOutput()
      if (out === undefined) return
      this.current.send(out)
    }
  }

  #finish(core: SessionCore): void {
    const { report } = this.world
    this.gone = true
    report.resumes += core.stats.resumes
    report.replayedBytes += core.stats.replayedBytes
    report.deliveredBytes += this.app?.read ?? 0
    // The last word goes out even when the stream is full just now.
    const out = core.pollOutput()
    if (out !== undefined) this.current?.send(out)
    this.current?.close()
  }

  #arm(core: SessionCore): void {
    const at = core.nextTimeout()
    const { clock, report, options } = this.world
    if (core.stats.receiveWindow > options.sessionWindow) report.grown = 1
    if (at === undefined || at >= this.#wakeAt) return
    this.#wakeAt = at
    clock.after(Math.max(0, at - clock.now), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      core.onTimeout(clock.now)
      this.pump()
    })
  }
}

function headOf(decoder: HeadDecoder) {
  const decoded = decoder.push(new Uint8Array(0))
  return decoded?.head as NonNullable<typeof decoded>['head']
}

class Dialler extends Node {
  readonly end: DialledEnd
  readonly #acceptor: Acceptor
  readonly #makeApp: (core: SessionCore) => App
  readonly #offers = new Map<Attachment, OpenHead | ResumeHead>()

  constructor(world: World, acceptor: Acceptor, makeApp: (core: SessionCore) => App) {
    super(world)
    this.#acceptor = acceptor
    this.#makeApp = makeApp
    const id = Uint8Array.from({ length: 16 }, () => world.random.int(0, 255))
    this.end = new DialledEnd(
      id,
      { channel: 'sim', mode: 'unicast', bytes: true },
      { ...world.context }
    )
  }

  dial(): void {
    if (this.gone || this.#offers.size >= 3) return
    const mine = new Attachment(0, this)
    const theirs = new Attachment(1, this.#acceptor)
    const wire = this.world.wire([mine, theirs])
    mine.wire = wire
    theirs.wire = wire
    const offer = this.end.offer()
    this.#offers.set(mine, offer)
    mine.send([encodeHead(offer)])
    // A stream that never answers is given up.
    this.world.clock.after(5_000, () => {
      if (this.#offers.delete(mine)) {
        mine.close()
        this.onDetached()
      }
    })
  }

  override onHead(attachment: Attachment, head: ReturnType<typeof headOf>): void {
    const offer = this.#offers.get(attachment)
    if (offer === undefined) return
    this.#offers.delete(attachment)
    const answer = this.end.answer(offer, head, this.world.clock.now)
    if (answer.at === 'attached') {
      this.attached(attachment, answer.epoch)
      if (this.core === undefined && this.end.core !== undefined) {
        this.core = this.end.core
        this.app = this.#makeApp(this.core)
      }
    } else {
      attachment.close()
      this.onDetached()
    }
    this.pump()
  }

  override onLost(attachment: Attachment): void {
    if (this.#offers.delete(attachment)) this.onDetached()
    super.onLost(attachment)
  }

  override onDetached(): void {
    const { random, clock } = this.world
    clock.after(random.size(1, 300), () => {
      if (this.core?.isAttached === true) return
      this.dial()
      // Another link appeared meanwhile: two attachments race.
      if (this.core !== undefined && random.chance(0.3))
        clock.after(random.int(0, 40), () => this.dial())
    })
  }
}

class Acceptor extends Node {
  end: AcceptedEnd | undefined
  makeApp: (core: SessionCore) => App = () => assert.fail('no application')

  override onHead(attachment: Attachment, head: ReturnType<typeof headOf>): void {
    const { clock, random } = this.world
    if (head.type !== 'open' && head.type !== 'resume') assert.fail(`unexpected ${head.type}`)
    if (head.type === 'open' && this.end === undefined) {
      const secret = Uint8Array.from({ length: 32 }, () => random.int(0, 255))
      this.end = new AcceptedEnd(head, secret, this.world.context, clock.now)
      this.core = this.end.core
      this.app = this.makeApp(this.core)
      this.attached(attachment, head.epoch)
      attachment.send([encodeHead(this.end.acceptHead)])
      this.pump()
      return
    }
    const end = this.end
    if (end === undefined || this.gone) {
      attachment.send([encodeHead({ type: 'refuse', code: 5 })])
      attachment.close()
      return
    }
    const answer = head.type === 'open' ? end.reopen(head, clock.now) : end.resume(head, clock.now)
    if (answer.type !== 'refuse') this.attached(attachment, head.epoch)
    attachment.send([encodeHead(answer)])
    if (answer.type === 'refuse') attachment.close()
    this.pump()
  }

  override onDetached(): void {}
}

/** One run: transfers both ways under cuts, and the proof that nothing was lost or doubled. */
export function simulate(seed: number): SimulationReport {
  const world = new World(seed)
  const { random, clock } = world
  const totals = [
    random.size(100, 600_000),
    random.chance(0.2) ? 0 : random.size(1, 300_000)
  ] as const
  const aborts = random.chance(0.1)
  const aborter = random.int(0, 1)
  const abortAt = (side: number): number =>
    aborts && side === aborter ? random.int(1, Math.max(1, totals[side] ?? 0)) : Number.MAX_VALUE
  const acceptor: Acceptor = new Acceptor(world)
  acceptor.makeApp = core =>
    new App(core, world, { out: 2, in: 1, total: totals[1], abortAt: abortAt(1) }, () =>
      acceptor.pump()
    )
  const dialler: Dialler = new Dialler(
    world,
    acceptor,
    core =>
      new App(core, world, { out: 1, in: 2, total: totals[0], abortAt: abortAt(0) }, () =>
        dialler.pump()
      )
  )
  dialler.dial()
  let steps = 0
  while (clock.step()) {
    if (++steps > 400_000) assert.fail('no end in sight')
  }
  check(dialler, acceptor, totals, aborts)
  assert.equal(world.budget.used, 0, 'the budget is given back')
  return world.report
}

function check(
  dialler: Dialler,
  acceptor: Acceptor,
  totals: readonly [number, number],
  aborts: boolean
): void {
  for (const [name, node, wrote, reads] of [
    ['dialler', dialler, totals[0], totals[1]],
    ['acceptor', acceptor, totals[1], totals[0]]
  ] as const) {
    assert.ok(node.app?.ending, `the ${name} reached an end (${node.core?.life})`)
    const error = node.app.ending.error
    if (aborts) {
      // Whoever aborted, or heard of it; or had already finished. Never a loss by time.
      assert.ok(
        error === undefined || (error instanceof SessionResetError && error.resetCode === 4_711),
        `the ${name} ended with ${error?.message}`
      )
    } else {
      assert.equal(error, undefined, `the ${name} ended with ${error?.message}`)
      assert.equal(node.app.written, wrote, `the ${name} wrote everything`)
      assert.equal(node.app.read, reads, `the ${name} read everything`)
    }
    assert.equal(node.core?.life, 'gone', `nothing is left of the ${name}`)
    assert.equal(error instanceof SessionLostError, false)
  }
}
