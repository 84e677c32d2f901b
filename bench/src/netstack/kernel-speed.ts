// Our stack and the kernel's, each other's peer through a TUN interface, beside two kernels over
// loopback: `node kernel-speed.js OPTIONS`, in a network namespace of its own.
import { execFileSync } from 'node:child_process'
import { createStack } from '@warren/netstack'
import { openTun } from '@warren/tun'
import { KernelProcess, measured } from './kernel-process.ts'

/** How long to measure. */
export interface KernelSpeedOptions {
  readonly seconds: number
}

/** One speed, one connection. */
export interface KernelSpeed {
  readonly path: string
  readonly gbits: number
}

const KERNEL = '10.9.0.1'
const OURS = '10.9.0.2'
const PORT = 80

const { seconds } = JSON.parse(process.argv[2] ?? '{}') as KernelSpeedOptions

execFileSync('ip', ['link', 'set', 'lo', 'up'])
await kernels()
for (const offload of [false, true]) {
  const how = offload ? 'VNET_HDR, TSO' : 'MTU 1500'
  await toKernel(offload, `netstack → kernel, TUN, ${how}`)
  await fromKernel(offload, `kernel → netstack, TUN, ${how}`)
}
process.disconnect()

function tell(path: string, mbits: number): void {
  process.send?.({ path, gbits: mbits / 1000 } satisfies KernelSpeed)
}

async function kernels(): Promise<void> {
  using sink = new KernelProcess(undefined, 'sink', '127.0.0.1')
  using _source = new KernelProcess(undefined, 'source', '127.0.0.1', String(await sink.port()))
  tell('kernel → kernel, loopback', await measured(() => sink.bytes(), seconds, 1))
}

async function toKernel(offload: boolean, path: string): Promise<void> {
  const { stack, tun } = await network(offload)
  using sink = new KernelProcess(undefined, 'sink', KERNEL)
  const socket = stack.connect({ address: KERNEL, port: await sink.port() })
  const piece = new Uint8Array(256 * 1024).fill(0x5a)
  const write = (): void => {
    while (socket.write(piece) === piece.length);
  }
  socket.events = { onConnect: write, onWritable: write }
  tell(path, await measured(() => sink.bytes(), seconds, 1))
  stack.close()
  tun.close()
}

async function fromKernel(offload: boolean, path: string): Promise<void> {
  const { stack, tun } = await network(offload)
  let bytes = 0
  stack.listen({ port: PORT }, socket => {
    socket.events = {
      onReadable() {
        while (socket.readable > 0) {
          const { length } = socket.peek()
          socket.consume(length)
          bytes += length
        }
      }
    }
  })
  using _source = new KernelProcess(undefined, 'source', OURS, String(PORT))
  tell(path, await measured(() => bytes, seconds, 1))
  stack.close()
  tun.close()
}

async function network(offload: boolean) {
  const tun = await openTun({ addresses: [`${KERNEL}/24`], offload })
  const stack = createStack()
  stack.addInterface(tun.link, [`${OURS}/24`])
  return { stack, tun }
}
