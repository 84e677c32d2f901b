import type { Running, Stage } from '../cli/command.ts'
import { ChaosProxy } from '../support/chaos-proxy.ts'

/** What `warren status --json` tells of one process. */
interface ProcessStatus {
  readonly pid: number
  readonly links: readonly unknown[]
  readonly sessions: { readonly open: number; readonly detached: number; readonly resumed: number }
}

/**
 * A port of this machine, shared by one `warren` process and opened by another, whose only way to
 * each other leads through a chaos proxy: the ticket has no other address.
 */
export class SharedPort {
  readonly proxy: ChaosProxy
  /** The port that the opener listens on. */
  port = 0
  ticket = ''
  readonly #stage: Stage
  readonly #target: number
  #sharing: Running | undefined
  #opening: Running | undefined

  private constructor(stage: Stage, target: number, proxy: ChaosProxy) {
    this.#stage = stage
    this.#target = target
    this.proxy = proxy
  }

  static async create(stage: Stage, target: number): Promise<SharedPort> {
    const shared = new SharedPort(stage, target, await ChaosProxy.start())
    try {
      await shared.share()
      await shared.open()
    } catch (error) {
      await shared.proxy.stop()
      throw error
    }
    return shared
  }

  get sharing(): Running {
    if (this.#sharing === undefined) throw new Error('nothing is shared')
    return this.#sharing
  }

  get opening(): Running {
    if (this.#opening === undefined) throw new Error('nothing is opened')
    return this.#opening
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts the sharer, or starts it again; the ticket it gives, always the same. */
  async share(): Promise<string> {
    const where = ['--listen', '/ip4/127.0.0.1/tcp/0']
    const announce = ['--announce', `/ip4/127.0.0.1/tcp/${this.proxy.port}`]
    this.#sharing = this.#stage.warren('a', [
      'share',
      String(this.#target),
      '--json',
      ...where,
      ...announce
    ])
    const told = JSON.parse(await this.#sharing.firstLine()) as {
      ticket: string
      addresses: string[]
    }
    await this.proxy.aim({ port: Number(/\/tcp\/(\d+)/.exec(told.addresses[0] ?? '')?.[1]) })
    this.ticket = told.ticket
    return told.ticket
  }

  /** Starts the opener, or starts it again. */
  async open(): Promise<void> {
    this.#opening = this.#stage.warren('b', ['open', this.ticket, '--json'])
    const { port } = JSON.parse(await this.#opening.firstLine()) as { port: number }
    this.port = port
  }

  /** What one of the two says of itself. */
  async status(of: 'a' | 'b'): Promise<ProcessStatus> {
    const { out, err } = await this.#stage.finished(of, ['status', '--json'])
    const { processes } = JSON.parse(out) as { processes: ProcessStatus[] }
    const [status] = processes
    if (status === undefined) throw new Error(`no process answers: ${err}`)
    return status
  }

  async close(): Promise<void> {
    await this.proxy.stop()
  }
}
