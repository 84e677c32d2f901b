import assert from 'node:assert/strict'
import { channel } from '../src/channel/channel.ts'
import type { Receiver, Sender } from '../src/channel/channel-types.ts'
import { receiving, select, sending } from '../src/channel/select.ts'
import { fill, linked, quiet } from './linked.ts'

const COUNT = 10
const CLOSE_COUNT = 5
const BASE = 23

/** Sends `count` values from BASE on, then closes. */
async function sendAll(sender: Sender<number>, count = COUNT): Promise<void> {
  for (let i = 0; i < count; i++) await sender.send(BASE + i)
  sender.close()
}

/** Everything until the end, which must be BASE, BASE + 1, … */
async function receiveAll(receiver: Receiver<number>): Promise<number> {
  let i = 0
  for await (const value of receiver) assert.equal(value, BASE + i++)
  return i
}

async function receiveSome(receiver: Receiver<number>, count = COUNT): Promise<void> {
  for (let i = 0; i < count; i++) {
    assert.deepEqual(await receiver.receive(), { done: false, value: BASE + i })
  }
}

describe("the tests of Go's netchan, re-created", () => {
  it('1. ExportSendImportReceive', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const options = { size: 3, count: COUNT }
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', options)
    const [, got] = await Promise.all([sendAll(local), receiveAll(receiver)])
    assert.equal(got, COUNT)
  })

  it('2. ExportReceiveImportSend', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedRecv', local, 'recv')
    const sender = await pair.importer.import<number>('exportedRecv', 'send', { size: 3 })
    await Promise.all([sendAll(sender), receiveSome(local)])
  })

  it('3. ClosingExportSendImportReceive', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', { size: 3 })
    const [, got] = await Promise.all([sendAll(local, CLOSE_COUNT), receiveAll(receiver)])
    assert.equal(got, CLOSE_COUNT)
  })

  it('4. ClosingImportSendExportReceive', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedRecv', local, 'recv', { closeWithLast: true })
    const sender = await pair.importer.import<number>('exportedRecv', 'send', { size: 3 })
    const [, got] = await Promise.all([sendAll(sender, CLOSE_COUNT), receiveAll(local)])
    assert.equal(got, CLOSE_COUNT)
  })

  it('5. ErrorForIllegalChannel', async () => {
    await using pair = await linked()
    await assert.rejects(pair.importer.import('notAChannel', 'recv', { size: 1 }), {
      code: 'ERR_UNKNOWN_NAME',
      message: /no such channel: notAChannel/
    })
  })

  it('6. ExportDrain', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', { size: 3 })
    const sent = sendAll(local, CLOSE_COUNT)
    let received = 0
    const receiving_ = (async () => {
      for await (const value of receiver) assert.equal(value, BASE + received++)
    })()
    await sent
    await pair.exporter.drain()
    assert.equal(received, CLOSE_COUNT)
    await receiving_
  })

  it('7. ImportDrain', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedRecv', local, 'recv')
    const sender = await pair.importer.import<number>('exportedRecv', 'send', { size: 3 })
    const received = receiveSome(local, CLOSE_COUNT)
    for (let i = 0; i < CLOSE_COUNT; i++) await sender.send(BASE + i)
    await pair.importer.drain()
    await received
  })

  it('8. ExportSync', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', { size: 3 })
    const received = receiveSome(receiver, CLOSE_COUNT)
    for (let i = 0; i < CLOSE_COUNT; i++) await local.send(BASE + i)
    await pair.exporter.sync()
    await received
  })

  it('9. ExportHangup', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const options = { size: 1, count: 2 }
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', options)
    await local.send(1234)
    assert.deepEqual(await receiver.receive(), { done: false, value: 1234 })
    pair.exporter.hangup('exportedSend')
    await assert.rejects(receiver.receive(), { code: 'ERR_HANGUP' })
    assert.equal(receiver.closed, true)
    assert.throws(() => pair.exporter.hangup('exportedSend'), { code: 'ERR_UNKNOWN_NAME' })
  })

  it('10. ImportHangup', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedRecv', local, 'recv', { closeWithLast: true })
    const options = { size: 1, count: 2 }
    const sender = await pair.importer.import<number>('exportedRecv', 'send', options)
    await sender.send(1234)
    assert.deepEqual(await local.receive(), { done: false, value: 1234 })
    pair.importer.hangup('exportedRecv')
    assert.deepEqual(await local.receive(), { done: true, value: undefined })
    assert.throws(() => pair.importer.hangup('exportedRecv'), { code: 'ERR_UNKNOWN_NAME' })
  })

  it('11. IndependentSends', async () => {
    await using pair = await linked()
    const [echoed, incoming, control] = [channel<number>(0), channel<number>(0), channel<number>(0)]
    pair.exporter.export('exportedSend', echoed, 'send')
    pair.exporter.export('exportedRecv', incoming, 'recv')
    pair.exporter.export('exportedCtl', control, 'recv')
    const echo = (async () => {
      await control.receive()
      for (let i = 0; i < COUNT; i++) {
        const { value, done } = await incoming.receive()
        if (done !== true) await echoed.send(value)
      }
      echoed.close()
    })()
    const { importer } = pair
    const sender = await importer.import<number>('exportedRecv', 'send', { size: 3 })
    const receiver = await importer.import<number>('exportedSend', 'recv', { size: 3 })
    const sent = sendAll(sender)
    const received = receiveAll(receiver)
    // Nothing can move now but for the third channel, bound on the same link.
    await quiet()
    const go = await importer.import<number>('exportedCtl', 'send', { size: 1, count: 1 })
    await go.send(0)
    await Promise.all([sent, echo])
    assert.equal(await received, COUNT)
  })

  it('12. CrossConnect', async () => {
    interface Value {
      i: number
      source: string
    }
    await using pair = await linked()
    const [there, here] = [channel<Value>(0), channel<Value>(0)]
    pair.exporter.export('exportedSend', there, 'send')
    pair.exporter.export('exportedRecv', here, 'recv')
    const { importer } = pair
    const incoming = await importer.import<Value>('exportedSend', 'recv', { size: 3 })
    const outgoing = await importer.import<Value>('exportedRecv', 'send', { size: 3 })
    async function cross(
      source: string,
      out: Sender<Value>,
      from: Receiver<Value>
    ): Promise<[number, number]> {
      let [sent, received] = [0, 0]
      while (sent < COUNT && received < COUNT) {
        const chosen = await select([sending(out, { i: sent, source }), receiving(from)])
        if (chosen.index === 0) {
          sent++
          continue
        }
        assert.equal(chosen.value?.i, received++)
        assert.notEqual(chosen.value?.source, source)
      }
      return [sent, received]
    }
    const counts = await Promise.all([
      cross('exporter', there, here),
      cross('importer', outgoing, incoming)
    ])
    for (const [sent, received] of counts) assert.equal(Math.max(sent, received), COUNT)
  })

  it('13. ExportFlowControl', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedSend', local, 'send')
    const receiver = await pair.importer.import<number>('exportedSend', 'recv', { size: 20 })
    assert.equal(await fill(local, BASE, 100), 20)
    const rest = (async () => {
      for (let i = 20; i < 100; i++) await local.send(BASE + i)
      local.close()
    })()
    assert.equal(await receiveAll(receiver), 100)
    await rest
  })

  it('14. ImportFlowControl', async () => {
    await using pair = await linked()
    const local = channel<number>(0)
    pair.exporter.export('exportedRecv', local, 'recv', { closeWithLast: true })
    const sender = await pair.importer.import<number>('exportedRecv', 'send', { size: 3 })
    assert.equal(await fill(sender, BASE, 100), 3)
    const rest = (async () => {
      for (let i = 3; i < 100; i++) await sender.send(BASE + i)
      sender.close()
    })()
    assert.equal(await receiveAll(local), 100)
    await rest
  })
})
