import assert from 'node:assert/strict'
import { channel } from '../../src/channel/channel.ts'
import { NOTHING, PORT } from '../../src/channel/channel-port.ts'
import type { Puller, Pusher } from '../../src/channel/channel-port.ts'
import type { Channel } from '../../src/channel/channel-types.ts'
import { receiving, select, sending } from '../../src/channel/select.ts'
import { seeded } from '../seeded.ts'

const SEEDS = Number(process.env['WARREN_CHANNEL_SEEDS'] ?? 300)

/** One value: which sender's how-manieth. */
interface Item {
  readonly sender: number
  readonly number: number
}

describe('interleavings of a channel', () => {
  it(`${SEEDS}: each value that was sent comes once, and each receiver gets them in order`, async () => {
    const first = Number(process.env['WARREN_CHANNEL_SEED'] ?? 1)
    for (let seed = first; seed < first + SEEDS; seed++) {
      try {
        await new Play(seed).run()
      } catch (error) {
        throw new Error(`WARREN_CHANNEL_SEED=${seed}`, { cause: error })
      }
    }
  })
})

/** Senders, receivers, selects and pumps on a few channels, some of which are aborted. */
class Play {
  readonly #random: () => number
  readonly #channels: Channel<Item>[]
  /** What each send that was accepted brought, and what was received, by channel. */
  readonly #sent = new Map<Channel<Item>, Set<Item>>()
  readonly #received = new Map<Channel<Item>, { readonly by: object; readonly item: Item }[]>()
  #senders = 0

  constructor(seed: number) {
    this.#random = seeded(seed)
    this.#channels = Array.from({ length: 1 + this.#below(3) }, () =>
      channel<Item>(this.#oneOf(0, 0, 1, 2, 5))
    )
    for (const each of this.#channels) {
      this.#sent.set(each, new Set())
      this.#received.set(each, [])
    }
  }

  async run(): Promise<void> {
    const sources = [
      () => this.#send(),
      () => this.#send(),
      () => this.#selectSend(),
      () => this.#trySend(),
      () => this.#push()
    ]
    const sinks = [
      () => this.#receive(),
      () => this.#receive(),
      () => this.#iterate(),
      () => this.#selectReceive(),
      () => this.#pull()
    ]
    const sending = this.#some(sources)
    const receiving = this.#some(sinks)
    // Whatever the others do, one of each channel stays to the end.
    const last = this.#channels.map(each => this.#drain(each))
    await Promise.all(sending)
    for (const each of this.#channels) each.close()
    await Promise.all([...receiving, ...last])
    for (const each of this.#channels) this.#check(each)
  }

  #check(each: Channel<Item>): void {
    const [sent, received] = [this.#sent.get(each), this.#received.get(each)]
    assert.ok(sent !== undefined && received !== undefined)
    const items = received.map(({ item }) => item)
    assert.equal(new Set(items).size, items.length, 'a value came twice')
    assert.equal(items.length, sent.size, 'a value was lost, or came though it was refused')
    for (const item of items) assert.ok(sent.has(item), 'a value came that was not sent')
    const port = each[PORT]
    assert.deepEqual([port.buffered, port.blockedSends, port.blockedReceives], [0, 0, 0])
    const last = new Map<object, number[]>()
    for (const { by, item } of received) {
      const numbers = last.get(by) ?? []
      last.set(by, numbers)
      assert.ok(item.number > (numbers[item.sender] ?? -1), `order of sender ${item.sender}`)
      numbers[item.sender] = item.number
    }
  }

  async #send(): Promise<void> {
    const [sender, to] = [this.#senders++, this.#oneOf(...this.#channels)]
    for (let number = 0; number < 20; number++) {
      const item = { sender, number }
      await this.#mayAbort(
        signal => to.send(item, { signal }),
        () => this.#sent.get(to)?.add(item)
      )
      await this.#pause()
    }
  }

  async #trySend(): Promise<void> {
    const [sender, to] = [this.#senders++, this.#oneOf(...this.#channels)]
    for (let number = 0; number < 20; number++) {
      const item = { sender, number }
      if (to.trySend(item)) this.#sent.get(to)?.add(item)
      await this.#pause()
    }
  }

  async #selectSend(): Promise<void> {
    const sender = this.#senders++
    for (let number = 0; number < 20; number++) {
      const items = this.#channels.map(() => ({ sender, number }))
      const cases = this.#channels.map((each, i) => sending(each, items[i] as Item))
      await this.#mayAbort(
        signal => select(cases, { signal, random: this.#random }),
        ({ index }) => {
          const to = this.#channels[index] as Channel<Item>
          this.#sent.get(to)?.add(items[index] as Item)
        }
      )
      await this.#pause()
    }
  }

  async #push(): Promise<void> {
    const [sender, to] = [this.#senders++, this.#oneOf(...this.#channels)]
    const held: Item[] = []
    const pusher: Pusher = {
      get ready() {
        return held.length > 0
      },
      give: () => {
        const item = held.shift()
        if (item === undefined) return NOTHING
        this.#sent.get(to)?.add(item)
        return item
      },
      end: () => {}
    }
    const detach = to[PORT].attachPusher(pusher)
    for (let number = 0; number < 20; number++) {
      held.push({ sender, number })
      to[PORT].push(pusher)
      await this.#pause()
    }
    detach()
  }

  async #receive(): Promise<void> {
    const by = {}
    const from = this.#oneOf(...this.#channels)
    for (let i = 0; i < 25; i++) {
      let done = false
      await this.#mayAbort(
        signal => from.receive({ signal }),
        received => {
          done = received.done === true
          if (received.done !== true) this.#received.get(from)?.push({ by, item: received.value })
        }
      )
      if (done) return
      await this.#pause()
    }
  }

  async #selectReceive(): Promise<void> {
    const by = {}
    const open = new Set(this.#channels)
    while (open.size > 0) {
      const cases = this.#channels.map(each => open.has(each) && receiving(each))
      await this.#mayAbort(
        signal => select(cases, { signal, random: this.#random }),
        picked => {
          const from = this.#channels[picked.index] as Channel<Item>
          if (picked.done === true) open.delete(from)
          else this.#received.get(from)?.push({ by, item: picked.value })
        }
      )
      await this.#pause()
    }
  }

  async #iterate(): Promise<void> {
    const by = {}
    const from = this.#oneOf(...this.#channels)
    for await (const item of from) {
      this.#received.get(from)?.push({ by, item: item })
      if (this.#below(10) === 0) return
      await this.#pause()
    }
  }

  async #pull(): Promise<void> {
    const by = {}
    const from = this.#oneOf(...this.#channels)
    let room = 0
    const ended = Promise.withResolvers<void>()
    const puller: Puller = {
      get ready() {
        return room > 0
      },
      take: value => {
        room--
        this.#received.get(from)?.push({ by, item: value as Item })
      },
      end: () => ended.resolve()
    }
    const detach = from[PORT].attachPuller(puller)
    for (let i = 0; i < 10; i++) {
      room = this.#below(3)
      from[PORT].pull(puller)
      await this.#pause()
    }
    if (this.#below(2) === 0) detach()
    else await ended.promise
  }

  async #drain(from: Channel<Item>): Promise<void> {
    const by = {}
    for await (const item of from) {
      this.#received.get(from)?.push({ by, item: item })
      await this.#pause()
      await this.#pause()
    }
  }

  /** Starts something with a signal that may abort; `done` if it was carried out all the same. */
  async #mayAbort<R>(
    start: (signal: AbortSignal) => Promise<R>,
    done: (result: R) => void
  ): Promise<void> {
    const controller = new AbortController()
    const started = (async () => {
      try {
        done(await start(controller.signal))
      } catch (error) {
        assert.equal(error, controller.signal.reason)
      }
    })()
    if (this.#below(4) === 0) {
      await this.#pause()
      controller.abort()
    }
    await started
  }

  /** From nothing to a few turns of the microtask queue. */
  async #pause(): Promise<void> {
    for (let turns = this.#below(4); turns > 0; turns--) await Promise.resolve()
  }

  /** Starts one to five of them. */
  #some(starts: readonly (() => Promise<void>)[]): Promise<void>[] {
    return Array.from({ length: 1 + this.#below(5) }, () => this.#oneOf(...starts)())
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #oneOf<T>(...items: readonly T[]): T {
    return items[this.#below(items.length)] as T
  }
}
