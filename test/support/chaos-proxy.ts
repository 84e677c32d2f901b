import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** `up`: from the client to the target; `down`: from the target to the client. */
export type Flow = 'up' | 'down'

/** Counts of what really happened, since the start. */
export interface ChaosCounts {
  /** Connections accepted, and open now. */
  readonly accepted: number
  readonly open: number
  /** Connections broken by a fault: the sum of the three below. A fault that met none counts none. */
  readonly cuts: number
  readonly resets: number
  /** Connections cut at an exact byte. */
  readonly midFrame: number
  /** Connections that were made silent. */
  readonly blackholed: number
  /** Bytes forwarded. */
  readonly up: number
  readonly down: number
}

/** Cuts that happen again and again, at times and in ways drawn from a seed. */
export interface CutPlan {
  /** Mean milliseconds between two cuts; each pause is drawn evenly from half to one and a half. */
  readonly every: number
  readonly seed: number
  /** Ways to cut, drawn evenly. Default `['reset']`. */
  readonly ways?: readonly ('reset' | 'mid-frame' | 'blackhole')[]
}

/** What the process of the proxy is told. */
export type ChaosCommand =
  | { readonly do: 'start' }
  | { readonly do: 'aim'; readonly host: string; readonly port: number }
  | { readonly do: 'reset' }
  | { readonly do: 'blackhole'; readonly flows: readonly Flow[]; readonly existingOnly: boolean }
  | { readonly do: 'refuse' }
  | { readonly do: 'heal' }
  | {
      readonly do: 'cut-after'
      readonly bytes: number
      readonly flow: Flow
      readonly clean: boolean
    }
  | { readonly do: 'cut-every'; readonly plan: CutPlan }
  | { readonly do: 'latency'; readonly ms: number }
  | { readonly do: 'slice'; readonly bytes: number }
  | { readonly do: 'counts' }

/** What it answers; `result` is the port for `start`, and the counts for everything else. */
export interface ChaosAnswer {
  readonly id: number
  readonly result: number | ChaosCounts
}

/**
 * A TCP proxy in a process of its own that breaks connections on command. A command has taken
 * effect when its promise resolves; it resolves with the counts at that moment.
 */
export class ChaosProxy implements AsyncDisposable {
  /** The port of 127.0.0.1 on which it listens. */
  readonly port: number
  readonly #child: ChildProcess
  readonly #waiting: Map<number, (answer: ChaosAnswer) => void>
  #ids = 1

  private constructor(
    child: ChildProcess,
    port: number,
    waiting: Map<number, (answer: ChaosAnswer) => void>
  ) {
    this.#child = child
    this.port = port
    this.#waiting = waiting
  }

  /** Starts a proxy to the target; without one it resets every connection until it is aimed. */
  static async start(target?: { host?: string; port: number }): Promise<ChaosProxy> {
    const child = fork(new URL('./chaos-proxy-process.js', import.meta.url), { execArgv: [] })
    const waiting = new Map<number, (answer: ChaosAnswer) => void>()
    child.on('message', (answer: ChaosAnswer) => {
      waiting.get(answer.id)?.(answer)
      waiting.delete(answer.id)
    })
    const started = new Promise<ChaosAnswer>(resolve => waiting.set(0, resolve))
    const died = once(child, 'exit').then(() => Promise.reject(new Error('the proxy died')))
    const command: ChaosCommand = { do: 'start' }
    child.send({ id: 0, command })
    const { result } = await Promise.race([started, died])
    died.catch(() => {})
    const proxy = new ChaosProxy(child, result as number, waiting)
    if (target !== undefined) await proxy.aim(target)
    return proxy
  }

  /** Leads new connections to this target. */
  aim(target: { host?: string; port: number }): Promise<ChaosCounts> {
    return this.#send({ do: 'aim', host: '127.0.0.1', ...target })
  }

  /** Resets every connection now, on both sides. */
  reset(): Promise<ChaosCounts> {
    return this.#send({ do: 'reset' })
  }

  /**
   * Stops forwarding without closing anything, until {@link heal}: both ways or one. New
   * connections are accepted and silent too, unless `existingOnly`.
   */
  blackhole(
    options: { readonly flow?: Flow; readonly existingOnly?: boolean } = {}
  ): Promise<ChaosCounts> {
    const flows: Flow[] = options.flow === undefined ? ['up', 'down'] : [options.flow]
    return this.#send({ do: 'blackhole', flows, existingOnly: options.existingOnly ?? false })
  }

  /** Resets every new connection at once, until {@link heal}; existing ones go on. */
  refuse(): Promise<ChaosCounts> {
    return this.#send({ do: 'refuse' })
  }

  /** Ends every fault: black holes, refusal, planned cuts, latency, slices. */
  heal(): Promise<ChaosCounts> {
    return this.#send({ do: 'heal' })
  }

  /**
   * Cuts the connection that carries the n-th byte from now on in this direction, right after that
   * byte. Once. By default with a RST on both sides (of the last bytes, a receiver that is slow to
   * read may lose some, as with any RST); `clean`: with a FIN, after everything up to that byte.
   */
  cutAfterBytes(
    bytes: number,
    options: { readonly flow?: Flow; readonly clean?: boolean } = {}
  ): Promise<ChaosCounts> {
    const { flow = 'up', clean = false } = options
    return this.#send({ do: 'cut-after', bytes, flow, clean })
  }

  /** Cuts again and again until {@link heal}. */
  cutEvery(plan: CutPlan): Promise<ChaosCounts> {
    return this.#send({ do: 'cut-every', plan })
  }

  /** Delays everything by so many milliseconds in each direction; 0 for no longer. */
  latency(ms: number): Promise<ChaosCounts> {
    return this.#send({ do: 'latency', ms })
  }

  /** Forwards in pieces of so many bytes, each in a turn of its own; 0 for no longer. */
  slice(bytes: number): Promise<ChaosCounts> {
    return this.#send({ do: 'slice', bytes })
  }

  counts(): Promise<ChaosCounts> {
    return this.#send({ do: 'counts' })
  }

  /** Ends the process; its connections are closed with it. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #send(command: ChaosCommand): Promise<ChaosCounts> {
    const id = this.#ids++
    const answered = new Promise<ChaosAnswer>(resolve => this.#waiting.set(id, resolve))
    await new Promise<void>((resolve, reject) => {
      this.#child.send({ id, command }, error => (error === null ? resolve() : reject(error)))
    })
    return (await answered).result as ChaosCounts
  }
}
