/**
 * Measures the Noise layer alone, ours beside stock `@chainsafe/libp2p-noise`, in one run: bulk one
 * way and 64-byte ping-pong on one encrypted connection, and handshakes, over TCP on loopback with
 * the server in a process of its own.
 *
 *     node bench/dist/src/noise-records.js [MiB per round] [rounds] [only this variant]
 *
 * Variants: `ours`; `stock` over our TCP; `stock-tcp`, stock Noise over stock TCP.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { noise as stockNoise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type {
  ConnectionEncrypter,
  MessageStream,
  MultiaddrConnection,
  StreamMessageEvent,
  Transport,
  Upgrader
} from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { noise } from '@warren/noise'
import { tcp as stockTcp } from '@libp2p/tcp'
import { tcp } from '@warren/transport-tcp'

const VARIANTS = ['ours', 'stock', 'stock-tcp'] as const
type Variant = (typeof VARIANTS)[number]

const MIB = 1_048_576
/** One full record, as a muxer sends it that knows of records. */
const CHUNK = 65_519
/** First byte of a connection: what the dialler will do with it. */
const MODES = { bulk: 1, echo: 2, handshake: 3 } as const
const HANDSHAKES = 400
const PINGS = 4_000

const logger = defaultLogger()

if (process.env['NOISE_BENCH_SERVER'] === undefined) await main()
else await serve()

async function encrypters(): Promise<(variant: Variant) => ConnectionEncrypter> {
  const privateKey = await generateKeyPair('Ed25519')
  const upgrader = { getStreamMuxers: () => new Map() } as unknown as Upgrader
  const components = { privateKey, peerId: peerIdFromPrivateKey(privateKey), logger, upgrader }
  const ours = noise()(components)
  const stock = stockNoise()(components)
  return variant => (variant === 'ours' ? ours : stock)
}

function transport(variant: Variant): Transport {
  return variant === 'stock-tcp' ? stockTcp()({ logger }) : tcp()({ logger })
}

/** An upgrader that hands the raw conn to `use`; the transport asks for nothing else. */
function rawUpgrader(use: (conn: MultiaddrConnection) => void): Upgrader {
  return {
    upgradeOutbound: async (conn: MultiaddrConnection) => use(conn),
    upgradeInbound: async (conn: MultiaddrConnection) => use(conn)
  } as unknown as Upgrader
}

async function serve(): Promise<void> {
  const encrypterOf = await encrypters()
  const ports: Record<string, string> = {}
  for (const variant of VARIANTS) {
    const listener = transport(variant).createListener({
      upgrader: rawUpgrader(conn => {
        encrypterOf(variant)
          .secureInbound(conn)
          .then(
            ({ connection }) => answer(connection),
            () => {}
          )
      })
    })
    await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0'))
    ports[variant] = String(listener.getAddrs()[0])
  }
  process.on('message', message => {
    if (message === 'exit') process.exit()
    if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() })
  })
  process.send?.({ ports })
}

/** The server's side of one connection: its first byte says what it is for. */
function answer(connection: MessageStream): void {
  let mode = 0
  let left = 0
  connection.addEventListener('message', (event: StreamMessageEvent) => {
    let { data } = event
    if (mode === 0) {
      const head = data.subarray()
      mode = head[0] ?? 0
      if (mode === MODES.bulk) left = new DataView(head.buffer, head.byteOffset).getFloat64(1)
      data = head.subarray(mode === MODES.bulk ? 9 : 1)
      if (mode === MODES.handshake) connection.send(new Uint8Array(1))
    }
    if (mode === MODES.echo && data.byteLength > 0) connection.send(data)
    if (mode === MODES.bulk) {
      left -= data.byteLength
      if (left <= 0) connection.send(new Uint8Array(1))
    }
  })
}

async function main(): Promise<void> {
  const size = Number(process.argv[2] ?? 512) * MIB
  const rounds = Number(process.argv[3] ?? 5)
  const variants = VARIANTS.filter(variant => (process.argv[4] ?? variant) === variant)
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, NOISE_BENCH_SERVER: '1' },
    execArgv: process.execArgv.map(arg => arg.replace('client', 'server'))
  })
  const { ports } = (await once(child, 'message'))[0] as { ports: Record<Variant, string> }
  const encrypterOf = await encrypters()
  const results: Record<string, number[]> = {}
  const note = (name: string, value: number): void => {
    ;(results[name] ??= []).push(value)
  }

  for (let round = -1; round < rounds; round++) {
    for (const variant of variants) {
      const dial = (): Promise<MessageStream> =>
        connect(variant, ports[variant], encrypterOf(variant))
      const cpuBefore = await cpu(child)
      const bulkSeconds = await bulk(await dial(), size)
      const cpuSeconds = ((await cpu(child)) - cpuBefore) / 1e6
      const pingMicros = await pingPong(await dial())
      const shakesBefore = await cpu(child)
      const perSecond = await handshakes(dial)
      const shakeMicros = ((await cpu(child)) - shakesBefore) / HANDSHAKES
      if (round < 0) continue
      note(`${variant} MB/s`, size / 1e6 / bulkSeconds)
      note(`${variant} CPU s/GiB, both ends`, cpuSeconds / (size / (1_024 * MIB)))
      note(`${variant} ping-pong 64 B, µs`, pingMicros)
      note(`${variant} dial + handshake + 1 B back, per s`, perSecond)
      note(`${variant} CPU µs per dial + handshake, both ends`, shakeMicros)
    }
  }
  for (const [name, values] of Object.entries(results)) {
    values.sort((a, b) => a - b)
    const show = (at: number): string => (values[at] ?? 0).toFixed(2)
    const last = values.length - 1
    console.log(`${name}: ${show(Math.floor(last / 2))} (${show(0)} to ${show(last)})`)
  }
  child.send('exit')
}

async function connect(
  variant: Variant,
  address: string,
  encrypter: ConnectionEncrypter
): Promise<MessageStream> {
  let raw: MultiaddrConnection | undefined
  await transport(variant).dial(multiaddr(address), {
    upgrader: rawUpgrader(conn => {
      raw = conn
    }),
    signal: new AbortController().signal
  })
  if (raw === undefined) throw new Error('the transport did not hand over its conn')
  return (await encrypter.secureOutbound(raw)).connection
}

async function bulk(connection: MessageStream, size: number): Promise<number> {
  const head = new Uint8Array(9)
  head[0] = MODES.bulk
  new DataView(head.buffer).setFloat64(1, size)
  const chunk = new Uint8Array(CHUNK).fill(7)
  const answered = message(connection)
  const started = performance.now()
  connection.send(head)
  for (let left = size; left > 0; left -= CHUNK) {
    if (!connection.send(chunk)) await once(connection, 'drain')
  }
  await answered
  const seconds = (performance.now() - started) / 1_000
  connection.abort(new Error('done'))
  return seconds
}

async function pingPong(connection: MessageStream): Promise<number> {
  connection.send(Uint8Array.of(MODES.echo))
  const ping = new Uint8Array(64)
  const started = performance.now()
  await new Promise<void>(resolve => {
    let count = 0
    connection.addEventListener('message', () => {
      if (++count === PINGS) resolve()
      else connection.send(ping)
    })
    connection.send(ping)
  })
  const micros = ((performance.now() - started) * 1_000) / PINGS
  connection.abort(new Error('done'))
  return micros
}

async function handshakes(dial: () => Promise<MessageStream>): Promise<number> {
  let left = HANDSHAKES
  const started = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const connection = await dial()
      const answered = message(connection)
      connection.send(Uint8Array.of(MODES.handshake))
      await answered
      connection.abort(new Error('done'))
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return (HANDSHAKES * 1_000) / (performance.now() - started)
}

async function message(connection: MessageStream): Promise<void> {
  await new Promise<void>(resolve => {
    connection.addEventListener('message', () => resolve(), { once: true })
  })
}

/** CPU microseconds of both processes so far. */
async function cpu(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ cpu: theirs }] = (await once(child, 'message')) as [{ cpu: NodeJS.CpuUsage }]
  const ours = process.cpuUsage()
  return theirs.user + theirs.system + ours.user + ours.system
}
