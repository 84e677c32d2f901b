import assert from 'node:assert/strict'
import { CopyingDatastore } from '../src/datastore.ts'

/** All that the store in memory asks of a key. */
const keyOf = (name: string) =>
  ({ toString: () => name }) as unknown as Parameters<CopyingDatastore['put']>[0]

describe('the datastore of a swarm that is given none', () => {
  it('keeps a copy of the record, not the memory that it was cut from', async () => {
    const store = new CopyingDatastore()
    const pool = new ArrayBuffer(65_536)
    const record = new Uint8Array(pool, 100, 3).fill(7)
    const batch = store.batch()
    batch.put(keyOf('/b'), record)
    await batch.commit()
    await store.put(keyOf('/a'), record)
    record.fill(0)
    for (const key of ['/a', '/b']) {
      const kept = await store.get(keyOf(key))
      assert.deepEqual([...kept], [7, 7, 7])
      assert.equal(kept.buffer.byteLength, 3)
    }
  })
})
