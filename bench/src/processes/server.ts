// The server of a benchmark: carries out what the first byte of each stream asks for.
//   S + 8 bytes length: takes that many bytes, then answers with one byte, and again for the next
//   E: sends back what comes
import { answer, cpuMicros } from '../harness/child.ts'
import type { BenchServer, BenchStream } from '../stacks/stack.ts'
import { stackOf } from '../stacks/index.ts'

/** How much of its bytes a stream has got. */
interface Sink {
  size: number
  left: number
}

const stack = stackOf(process.argv[2])
const NOTHING = Buffer.alloc(0)
const sinks = new Set<Sink>()
let server: BenchServer | undefined
/** Most and least bytes that streams had got when the first of them had all of its own. */
let spread = 1

function serve(stream: BenchStream): void {
  let mode: 'ask' | 'sink' | 'echo' = 'ask'
  let head = NOTHING
  let sink: Sink | undefined
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
        const size = Number(head.readBigUInt64BE(1))
        sink = { size, left: size }
        sinks.add(sink)
        data = head.subarray(9)
      } else return
      head = NOTHING
    }
    if (mode === 'echo') {
      if (data.length > 0) stream.write(data)
      return
    }
    if (sink === undefined) return
    sink.left -= data.length
    if (sink.left > 0) return
    finish(sink)
    stream.write(Uint8Array.of(1))
    mode = 'ask'
  })
}

function finish(done: Sink): void {
  if (spread === 0) {
    const got = [...sinks].map(({ size, left }) => size - left)
    spread = Math.max(...got) / Math.max(1, Math.min(...got))
  }
  sinks.delete(done)
}

answer({
  async listen() {
    server = await stack.listen(serve)
    return server.address
  },
  connections: () => server?.connections(),
  cpu: () => cpuMicros(),
  /** Begins to look for the spread between streams. */
  watchSpread() {
    spread = 0
  },
  spread: () => spread,
  memory: () => {
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heap: heapUsed + external }
  }
})
