import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const INDEX = new URL('../src/index.js', import.meta.url).href

/** Makes 512 MiB of buffers in a process of its own; how many full collections that took. */
async function fullCollections(weigh: boolean): Promise<number> {
  const program = `
    import { PerformanceObserver, constants } from 'node:perf_hooks'
    import { counterweigh } from ${JSON.stringify(INDEX)}
    let full = 0
    const count = list => {
      for (const { detail } of list.getEntries()) {
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++
      }
    }
    new PerformanceObserver(count).observe({ entryTypes: ['gc'] })
    globalThis.live = Array.from({ length: 200_000 }, (_, i) => ({ i }))
    for (let i = 0; i < 8_192; i++) {
      globalThis.chunk = Buffer.allocUnsafeSlow(65_536)
      if (${weigh}) counterweigh(65_536)
      if (i % 8 === 0) await new Promise(setImmediate)
    }
    await new Promise(resolve => setTimeout(resolve, 50))
    console.log(full)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program])
  return Number(stdout)
}

describe('counterweigh', () => {
  it('spares full collections', async () => {
    const [without, weighed] = [await fullCollections(false), await fullCollections(true)]
    assert.ok(weighed * 2 < without, `${weighed} full collections, ${without} without weights`)
  })
})
