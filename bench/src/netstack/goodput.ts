// Compares what our sender and Linux's bring through the same impaired path to the same receiver,
// Linux's: `node goodput.js OPTIONS`, in a network namespace of its own. See `in-namespace.ts`.
import { once } from 'node:events'
import { type Link, PacketBatch, createStack, memoryLinkPair } from '@warren/netstack'
import { openTun } from '@warren/tun'
import { KernelProcess, measured, pause } from './kernel-process.ts'
import { Namespace } from './namespaces.ts'

/** What to compare. */
export interface GoodputOptions {
  /** Shares of packets lost on the way to the receiver, each drawn by itself. */
  readonly losses: readonly number[]
  /** Round trip of the path in ms. */
  readonly rtt: number
  /** Connections at the same time. */
  readonly flows: number
  /** Length of each measurement. */
  readonly seconds: number
  readonly rounds: number
}

/** One comparison; Mbit/s of all connections together. */
export interface GoodputResult {
  readonly loss: number
  readonly kernel: number
  readonly netstack: number
}

const RECEIVER = '10.2.0.1'
const SENDER = '10.1.0.1'
const OUR_SENDER = '10.3.0.1'
/** The byte of an IPv4 destination that tells the two senders apart, and ours. */
const NETWORK = 17
const OURS = 3
const IPERF_PORT = '5201'

const options = JSON.parse(process.argv[2] ?? '{}') as GoodputOptions

for (const loss of options.losses) {
  for (let round = 0; round < options.rounds; round++) {
    process.send?.(await compare(loss, round + 1))
  }
}
process.disconnect()

async function compare(loss: number, seed: number): Promise<GoodputResult> {
  using senders = await Namespace.make()
  using receivers = await Namespace.make()
  // Packets are lost one by one: the kernel must not hand over several in one.
  const [near, far] = [await openTun({ offload: false }), await openTun({ offload: false })]
  senders.adopt(near, `${SENDER}/24`)
  receivers.adopt(far, `${RECEIVER}/24`)
  const path = { forward: { loss, delay: options.rtt / 2 }, backward: { delay: options.rtt / 2 } }
  const kernels = memoryLinkPair({ ...path, seed })
  const ours = memoryLinkPair({ ...path, seed })
  join(near.link, kernels[0])
  receive(kernels[1], far.link)
  receive(ours[1], far.link)
  far.link.start({ onPackets: split(kernels[1], ours[1]), onLinkClosed: () => undefined })
  const stack = createStack()
  stack.addInterface(ours[0], [`${OUR_SENDER}/24`]).addRoute('0.0.0.0/0')
  try {
    const kernel = await kernelGoodput(senders, receivers)
    await pause(500)
    using sink = new KernelProcess(receivers, 'sink', RECEIVER)
    const port = await sink.port()
    const piece = new Uint8Array(64 * 1024).fill(0x5a)
    for (let flow = 0; flow < options.flows; flow++) {
      const socket = stack.connect({ address: RECEIVER, port })
      const write = (): void => {
        while (socket.write(piece) === piece.length);
      }
      socket.events = { onConnect: write, onWritable: write }
    }
    return { loss, kernel, netstack: await measured(() => sink.bytes(), options.seconds) }
  } finally {
    stack.close()
    near.close()
    far.close()
  }
}

/** `iperf3 -C cubic`: the one program that lets us choose the kernel's congestion control. */
async function kernelGoodput(senders: Namespace, receivers: Namespace): Promise<number> {
  const server = receivers.start('iperf3', '-s', '-1', '-p', IPERF_PORT)
  await pause(500)
  const args = `-c ${RECEIVER} -p ${IPERF_PORT} -C cubic -P ${options.flows} -t ${options.seconds} -O 2 -l 64K -J`
  const client = senders.start('iperf3', ...args.split(' '))
  let output = ''
  client.stdout?.on('data', piece => (output += String(piece)))
  await once(client, 'close')
  server.kill()
  const report = JSON.parse(output) as {
    readonly error?: string
    readonly end: { readonly sum_received: { readonly bits_per_second: number } }
  }
  if (report.error !== undefined) throw new Error(`iperf3: ${report.error}`)
  return report.end.sum_received.bits_per_second / 1e6
}

/** What comes out of one link goes into the other, both ways. */
function join(one: Link, other: Link): void {
  receive(one, other)
  receive(other, one)
}

function receive(from: Link, to: Link): void {
  from.start({ onPackets: batch => to.send(batch), onLinkClosed: () => undefined })
}

/** Sends packets back the way that their destination came. */
function split(kernels: Link, ours: Link): (batch: PacketBatch) => void {
  const single = PacketBatch.of(1, 2000)
  return batch => {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i] as number
      single.clear()
      single.push(batch.bytes.subarray(at, at + (batch.length[i] as number)))
      ;(batch.bytes[at + NETWORK] === OURS ? ours : kernels).send(single)
    }
  }
}
