import { type Stack, createStack, memoryLinkPair } from '@warren/netstack'

/** Two stacks in this process, joined by a memory link. */
function pair(): [Stack, Stack] {
  const [left, right] = memoryLinkPair()
  const [client, server] = [createStack(), createStack()]
  client.addInterface(left, ['10.0.0.1/24'])
  server.addInterface(right, ['10.0.0.2/24'])
  return [client, server]
}

const ADDRESS = '10.0.0.2'

/** Sends so many bytes over one connection, MTU 1500, checksums on; Gbit/s. */
export async function memoryThroughput(bytes: number): Promise<number> {
  const [client, server] = pair()
  let received = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen({ port: 1 }, socket => {
    socket.events = {
      onReadable() {
        while (socket.readable > 0) {
          const { length } = socket.peek()
          socket.consume(length)
          received += length
        }
        if (received >= bytes) resolve()
      }
    }
  })
  const socket = client.connect({ address: ADDRESS, port: 1 })
  const data = new Uint8Array(256 * 1024).fill(0x5a)
  const write = (): void => {
    while (socket.write(data) === data.length);
  }
  const started = performance.now()
  socket.events = { onConnect: write, onWritable: write }
  await promise
  const seconds = (performance.now() - started) / 1000
  client.close()
  server.close()
  return (received * 8) / seconds / 1e9
}

/** Opens so many connections, some at a time, each reset when both ends know of it; per second. */
export async function memoryHandshakes(count: number): Promise<number> {
  const [client, server] = pair()
  server.listen({ port: 1, backlog: 1024 }, () => undefined)
  let opened = 0
  let connected = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const open = (): void => {
    if (opened === count) return
    opened++
    const socket = client.connect({ address: ADDRESS, port: 1 })
    socket.events = {
      onConnect() {
        socket.abort()
        if (++connected === count) resolve()
      },
      onClose: open
    }
  }
  const started = performance.now()
  for (let i = 0; i < 64; i++) open()
  await promise
  const seconds = (performance.now() - started) / 1000
  client.close()
  server.close()
  return count / seconds
}

/** Bytes of memory of one idle end of a connection beside its rings, socket and all; needs `--expose-gc`. */
export async function memoryPerConnection(count: number): Promise<number> {
  const [client, server] = pair()
  const held: unknown[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen({ port: 1, backlog: count }, socket => {
    held.push(socket)
    if (held.length === 2 * count) resolve()
  })
  let opened = 0
  const open = (): void => {
    if (opened++ >= count) return
    const socket = client.connect({ address: ADDRESS, port: 1 })
    held.push(socket)
    socket.events = {
      onConnect() {
        socket.events = {}
        open()
      }
    }
  }
  const before = settled()
  for (let i = 0; i < 64; i++) open()
  await promise
  await new Promise(done => setTimeout(done, 100))
  const bytes = (settled() - before) / (2 * count)
  client.close()
  server.close()
  return bytes
}

/** Heap and buffers after a collection. */
function settled(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
