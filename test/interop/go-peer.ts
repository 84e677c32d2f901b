import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'interop', 'go')
const BINARIES = join(SOURCE, '..', '..', '.cache', 'go')

/** `peer` speaks protocols of the tests (`go/main.go`), `services` runs kad-dht and a relay. */
export type GoProgram = 'peer' | 'services'

/** What to do, and with whom; see `go/main.go` and `go/services/main.go`. */
export interface GoRequest {
  readonly op: string
  readonly addr?: string
  readonly bytes?: number
  readonly count?: number
  readonly key?: string
  readonly value?: string
}

/** What the programs answer. */
export interface GoAnswer {
  readonly error?: string
  readonly addr?: string
  readonly agent?: string
  readonly protocols?: string[]
  readonly security?: string
  readonly muxer?: string
  readonly micros?: number
  readonly value?: string
  readonly peers?: string[]
  readonly limited?: boolean
  readonly seconds?: number
  readonly bytes?: number
}

/** Builds a program (Go keeps what it has built before). Rejects where there is no Go. */
export async function buildGoPeer(program: GoProgram = 'peer'): Promise<void> {
  mkdirSync(BINARIES, { recursive: true })
  const folder = program === 'peer' ? '.' : `./${program}`
  const arguments_ = ['build', '-o', join(BINARIES, program), folder]
  await promisify(execFile)('go', arguments_, { cwd: SOURCE })
}

/** Is there a Go on this machine? */
export async function hasGo(): Promise<boolean> {
  try {
    await promisify(execFile)('go', ['version'])
    return true
  } catch {
    return false
  }
}

/** A running go-libp2p peer. */
export class GoPeer {
  /** Where it listens, with its peer id. */
  readonly address: string
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  private constructor(process: ChildProcess, lines: AsyncIterator<string>, address: string) {
    this.#process = process
    this.#lines = lines
    this.address = address
  }

  static async start(security: 'noise' | 'tls'): Promise<GoPeer> {
    return GoPeer.#start('peer', ['-security', security])
  }

  static async startServices(): Promise<GoPeer> {
    return GoPeer.#start('services', [])
  }

  static async #start(program: GoProgram, options: string[]): Promise<GoPeer> {
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const child = spawn(join(BINARIES, program), options, { stdio: [...stdio] })
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const { addr, error } = JSON.parse(String((await lines.next()).value)) as GoAnswer
    if (addr === undefined) throw new Error(`the go-libp2p peer did not start: ${error}`)
    return new GoPeer(child, lines, addr)
  }

  /** Has the program do something; rejects with what it says went wrong. */
  async ask(request: GoRequest): Promise<GoAnswer> {
    this.#process.stdin?.write(`${JSON.stringify(request)}\n`)
    const answer = JSON.parse(String((await this.#lines.next()).value)) as GoAnswer
    if (answer.error !== undefined) throw new Error(`go-libp2p: ${answer.error}`)
    return answer
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.stdin?.end()
    await exited
  }
}
