import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { object, number, string, array, parse, looseObject } from 'valibot'
import { aborted } from '../cli/interrupt.ts'
import type { Output } from '../cli/output.ts'
import { describeSize } from '../cli/size.ts'
import { DemoFailedError } from '../errors.ts'
import { Child } from './child.ts'
import { contentHash } from './content.ts'
import { CuttingRelay } from './cutting-relay.ts'
import { download } from './download.ts'
import { FILE_PATH } from './file-server.ts'
import { progressLine } from './progress.ts'
import { statusOf } from './status-of.ts'
import type { DemoStatus } from './status-of.ts'

const COMMAND = fileURLToPath(new URL('../cli/main.js', import.meta.url))
const FILE_SERVER = fileURLToPath(new URL('./file-server-main.js', import.meta.url))
const NAME = 'demo-file'

/** What {@link runDemo} is told. */
export interface DemoOptions {
  /** Bytes of the file. */
  readonly size: number
  /** How often the connection between the two peers is cut on the way. */
  readonly cuts: number
  readonly signal: AbortSignal
}

const SERVER = object({ port: number() })
const SHARED = looseObject({ ticket: string(), addresses: array(string()) })
const OPENED = looseObject({ url: string() })

/**
 * Shows the whole of it on one machine: an HTTP server, `warren share` and `warren open` as
 * processes of their own with state directories of their own, which know of each other by the
 * ticket only, and between them a relay that cuts their connection while a file is downloaded.
 *
 * @throws ERR_DEMO_FAILED when the file is not the same, or the cuts did not happen
 */
export async function runDemo(output: Output, options: DemoOptions): Promise<void> {
  const { size, cuts, signal } = options
  const homes = await mkdtemp(join(tmpdir(), 'warren-demo-'))
  const children: Child[] = []
  // Their control sockets go into their own homes: the two peers share no directory at all.
  const { XDG_RUNTIME_DIR: _shared, WARREN_HOME: _home, ...env } = process.env
  const start = (name: string, args: string[]): Child => {
    const child = new Child(name, args, env)
    children.push(child)
    return child
  }
  const relay = new CuttingRelay({
    cutAt: Array.from({ length: cuts }, (_, i) => Math.floor((size * (i + 1)) / (cuts + 1))),
    onCut: n => output.say(output.style('yellow', `✂ cut ${n} of ${cuts}: the connection is reset`))
  })
  try {
    const server = start('file server', [FILE_SERVER, String(size)])
    const { port } = parse(SERVER, await server.ready(signal))
    const announced = await relay.listen()

    const homeA = join(homes, 'a')
    const share = start('share', [
      COMMAND,
      'share',
      String(port),
      '--as',
      NAME,
      '--home',
      homeA,
      '--json',
      '--while-stdin',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--announce',
      `/ip4/127.0.0.1/tcp/${announced}`
    ])
    const { ticket, addresses } = parse(SHARED, await share.ready(signal))
    relay.target = { host: '127.0.0.1', port: portOf(addresses) }
    output.say(
      `shared   an HTTP server with a file of ${describeSize(size)} (process ${share.pid})`
    )

    const homeB = join(homes, 'b')
    const open = start('open', [COMMAND, 'open', '-', '--home', homeB, '--json', '--while-stdin'])
    open.write(ticket)
    const { url } = parse(OPENED, await open.ready(signal))
    output.say(`opened   ${url} (process ${open.pid}, which was given the ticket and nothing else)`)

    output.status('making the hash that the file must have …')
    const expected = await contentHash(size, signal)
    const got = await download(
      url + FILE_PATH,
      progress(output, size, () => relay.cuts),
      signal
    )
    output.status('')
    const status = await statusOf(homeB, env)
    const verified = got.sha256 === expected && got.bytes === size
    tell(output, { size, url, verified, expected, cuts: relay.cuts, got, status })
    if (!verified) {
      throw new DemoFailedError(
        `the file differs: ${got.bytes} of ${size} bytes, SHA-256 ${got.sha256} instead of ${expected}`
      )
    }
    if (relay.cuts !== cuts) {
      throw new DemoFailedError(`${cuts} cuts were asked for, and ${relay.cuts} happened`)
    }
    if (process.stdout.isTTY && !output.json) {
      output.say(`both nodes stay up: try  curl -O ${url}${FILE_PATH}   (Ctrl-C ends them)`)
      await aborted(signal)
      throw signal.reason
    }
  } finally {
    output.status('')
    await Promise.all(children.reverse().map(child => child.end(signal.aborted)))
    await relay.close()
    await rm(homes, { recursive: true, force: true })
  }
}

interface Outcome {
  readonly size: number
  readonly url: string
  readonly verified: boolean
  readonly expected: string
  readonly cuts: number
  readonly got: Awaited<ReturnType<typeof download>>
  readonly status: DemoStatus
}

function tell(output: Output, { size, verified, cuts, got, status, ...rest }: Outcome): void {
  const rate = got.bytes / (got.duration / 1_000)
  if (output.json) {
    output.object({
      verified,
      bytes: got.bytes,
      sha256: got.sha256,
      expected: rest.expected,
      seconds: got.duration / 1_000,
      bytesPerSecond: Math.round(rate),
      cuts,
      ...status
    })
    return
  }
  const mark = verified ? output.style('green', '✔ the same') : output.style('red', '✘ DIFFERENT')
  const seconds = (got.duration / 1_000).toFixed(1)
  for (const [name, text] of [
    ['file', `${describeSize(size)} in ${seconds} s, ${describeSize(rate)}/s`],
    ['sha256', `${got.sha256}  ${mark}`],
    ['path', status.path],
    ['security', status.security],
    ['muxer', status.muxer],
    ['cuts', `${cuts}; the session resumed ${status.resumed} times, the download saw none of them`]
  ] as const) {
    output.data(`${name.padEnd(9)}${text}`)
  }
}

function progress(output: Output, size: number, cuts: () => number): (bytes: number) => void {
  const started = performance.now()
  return bytes => output.status(progressLine(bytes, size, performance.now() - started, cuts()))
}

function portOf(addresses: readonly string[]): number {
  for (const address of addresses) {
    const port = /^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)/.exec(address)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new DemoFailedError(`"share" does not listen on loopback: ${addresses.join(', ')}`)
}
