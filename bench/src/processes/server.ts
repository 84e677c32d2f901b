// The server of a benchmark: carries out what the first byte of each stream asks for.
//   S + 8 bytes length: takes that many bytes, then answers with one byte, and again for the next
//   E: sends back what comes
import { answer } from '../harness/child.ts'
import type { BenchStream } from '../stacks/stack.ts'
import { STACKS } from '../stacks/index.ts'

const stack = STACKS[process.argv[2] ?? '']?.()
if (stack === undefined) throw new Error(`no stack ${process.argv[2]}`)
let streams = 0

function serve(stream: BenchStream): void {
  streams++
  let mode: 'ask' | 'sink' | 'echo' = 'ask'
  let head = Buffer.alloc(0)
  let left = 0
  stream.onEnd(() => stream.end())
  stream.onData(bytes => {
    let data = bytes
    if (mode === 'ask') {
      head = Buffer.concat([head, data])
      if (head[0] === 0x45) {
        mode = 'echo'
        data = head.subarray(1)
      } else if (head.length >= 9) {
        mode = 'sink'
        left = Number(head.readBigUInt64BE(1))
        data = head.subarray(9)
      } else return
      head = Buffer.alloc(0)
    }
    if (mode === 'echo') {
      if (data.length > 0) stream.write(data)
      return
    }
    left -= data.length
    if (left > 0) return
    stream.write(Uint8Array.of(1))
    mode = 'ask'
  })
}

answer({
  listen: async () => stack.listen(serve),
  streams: () => streams,
  memory: () => {
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    return { rss, heap: heapUsed + external, arrayBuffers }
  }
})
