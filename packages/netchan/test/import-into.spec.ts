import assert from 'node:assert/strict'
import { channel } from '../src/channel/channel.ts'
import { Linked, quiet } from './linked.ts'

describe('importInto', () => {
  it('several imports come together in one channel, which outlives them', async () => {
    await using first = new Linked()
    await using second = new Linked()
    const together = channel<number>()
    const sources = [channel<number>(), channel<number>()] as const
    first.exporter.export('numbers', sources[0], 'send')
    second.exporter.export('numbers', sources[1], 'send')
    const ends: Promise<Error | undefined>[] = []
    for (const each of [first, second]) {
      const { importer } = await each.join()
      const { ended } = await importer.importInto('numbers', together.sender)
      ends.push(ended)
    }
    await sources[0].send(1)
    await sources[1].send(2)
    const values = [await together.receive(), await together.receive()].map(({ value }) => value)
    assert.deepEqual(new Set(values), new Set([1, 2]))
    sources[0].close()
    assert.equal(await ends[0], undefined)
    assert.equal(together.closed, false)
    await sources[1].send(3)
    assert.equal((await together.receive()).value, 3)
    sources[1].close(new Error('broken'))
    assert.match(String(await ends[1]), /RemoteError/)
    assert.equal(together.closed, false)
  })

  it('takes nothing before somebody receives: what was not taken goes to another importer', async () => {
    await using pair = new Linked()
    const source = channel<number>(10)
    for (let i = 0; i < 10; i++) source.trySend(i)
    pair.exporter.export('numbers', source, 'send')
    const leaving = await pair.join()
    const local = channel<number>()
    await leaving.importer.importInto('numbers', local)
    assert.equal((await local.receive()).value, 0)
    await quiet()
    leaving.importer.hangup('numbers')
    const staying = await pair.join()
    const rest = await staying.importer.import<number>('numbers', 'recv')
    for (let i = 1; i < 10; i++) assert.equal((await rest.receive()).value, i)
  })

  it('a local channel that is closed leaves the import', async () => {
    await using pair = new Linked()
    const source = channel<number>()
    pair.exporter.export('numbers', source, 'send')
    const { importer } = await pair.join()
    const local = channel<number>()
    const { ended } = await importer.importInto('numbers', local)
    local.close()
    await ended
    await quiet()
    assert.equal(importer.debug().imports, 0)
    await assert.rejects(importer.importInto('nothing', channel()), { code: 'ERR_UNKNOWN_NAME' })
  })
})
