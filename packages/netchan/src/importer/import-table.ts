import { channel } from '../channel/channel.ts'
import { PORT } from '../channel/channel-port.ts'
import type { ChannelPort } from '../channel/channel-port.ts'
import type { Channel } from '../channel/channel-types.ts'
import {
  AlreadyImportedError,
  HangupError,
  NetchanLimitError,
  UnknownNameError
} from '../errors.ts'
import type { Direction } from '../directions.ts'
import type { Binding } from '../protocol/binding.ts'
import { CODE, type Failure } from '../protocol/codes.ts'
import type { Window } from '../protocol/frames.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import { CarriedEnds } from '../pumps/carried-ends.ts'
import { InPump } from '../pumps/in-pump.ts'
import { OutPump } from '../pumps/out-pump.ts'
import type { ValueCoder } from '../pumps/value-coder.ts'
import { BindWait } from './bind-wait.ts'

/** What is asked of an {@link ImportTable}. */
export interface ImportRequest {
  readonly name: string
  readonly direction: Direction
  readonly window: Window
  readonly capacity: number
  /** For `recv`: whose channel it is, in place of a new one; it is not closed when the import ends. */
  readonly into?: ChannelPort | undefined
  /** 0: no limit. */
  readonly count: number
  readonly coder: ValueCoder
  readonly endCoder: ValueCoder
  readonly endWindow: Window
  /** The error that a refusal is told as. */
  readonly refused: (failure: Failure) => Error
}

/** What an {@link ImportTable} tells. */
export interface ImportTableHooks {
  readonly report: (error: Error) => void
  readonly onProgress: () => void
}

/** One imported channel. */
interface Imported {
  readonly direction: Direction
  readonly port: ChannelPort
  /** Ends the local channel, unless it is somebody else's, and tells that the import is over. */
  readonly end: (error?: Error) => void
  readonly binding: Binding
  /** The answer to come. */
  wait: BindWait | undefined
  /** Set once the exporter has accepted. */
  pump: InPump | OutPump | undefined
}

/** An import under way. */
export interface Importing {
  readonly answered: Promise<void>
  readonly local: Channel<unknown>
  /** Resolves when it is over; with the error if it did not end in order. */
  readonly ended: Promise<Error | undefined>
  /** Nobody waits for the answer any more. */
  giveUp(): void
}

const EMPTY = new Uint8Array(0)

/** The channels that an importer has bound, by name. No I/O. */
export class ImportTable {
  readonly #core: LinkCore
  readonly #hooks: ImportTableHooks
  readonly #imports = new Map<string, Imported>()
  /** Left, with values on their way that the exporter is still to take. */
  readonly #leaving = new Map<OutPump, string>()

  constructor(core: LinkCore, hooks: ImportTableHooks) {
    this.#core = core
    this.#hooks = hooks
  }

  get size(): number {
    return this.#imports.size
  }

  /** @throws AlreadyImportedError, NetchanLimitError */
  import(request: ImportRequest): Importing {
    const { name, direction, coder } = request
    if (this.#imports.has(name)) {
      throw new AlreadyImportedError(`channel name already being imported:${name}`)
    }
    const fingerprint = coder.schema.fingerprint?.hash ?? EMPTY
    const binding = this.#core.bind({
      name,
      kind: direction,
      codec: coder.codec.name,
      count: request.count,
      sends: direction === 'send' ? fingerprint : EMPTY,
      receives: direction === 'recv' ? fingerprint : EMPTY,
      window: request.window
    })
    if (binding === undefined) throw new NetchanLimitError('too many channels on this link')
    const local = channel<unknown>(request.capacity)
    const ended = Promise.withResolvers<Error | undefined>()
    const imported: Imported = {
      direction,
      port: request.into ?? local[PORT],
      end: error => {
        local.close(error)
        ended.resolve(error)
      },
      binding,
      wait: undefined,
      pump: undefined
    }
    this.#imports.set(name, imported)
    const wait = new BindWait({
      what: `import ${name}`,
      binding,
      refused: request.refused,
      onBound: () => {
        const pump = this.#pump(request, imported)
        imported.pump = pump
        pump.start()
      },
      onFailed: () => {
        this.#forget(name, imported)
        imported.end()
      }
    })
    imported.wait = wait
    return {
      answered: wait.answered,
      local,
      ended: ended.promise,
      giveUp: () => this.#giveUp(name, imported)
    }
  }

  /**
   * Leaves a channel. Returns how many values had come and were not delivered.
   *
   * @throws UnknownNameError
   */
  hangup(name: string): number {
    const imported = this.#imports.get(name)
    if (imported === undefined) throw new UnknownNameError(`hangup: no such channel: ${name}`)
    this.#forget(name, imported)
    const { pump } = imported
    if (pump === undefined) {
      this.#giveUp(name, imported)
      return 0
    }
    if (pump instanceof OutPump) this.#leaving.set(pump, name)
    const dropped = pump instanceof InPump ? pump.leave(leaving()) : 0
    imported.end()
    return dropped
  }

  /** Leaves all of them. */
  close(): void {
    for (const name of this.#imports.keys()) this.hangup(name)
  }

  /** Names and how much each has pending. */
  pending(): { name: string; values: number }[] {
    const bound = Array.from(this.#imports, ([name, { pump }]) => ({ name, pump }))
    const leaving = Array.from(this.#leaving, ([pump, name]) => ({ name, pump }))
    return [...bound, ...leaving]
      .map(({ name, pump }) => ({ name, values: pump?.pending ?? 0 }))
      .filter(({ values }) => values > 0)
  }

  /** For each channel that sends: has everything sent before now been taken? */
  marks(): { name: string; isTaken: () => boolean }[] {
    const marks: { name: string; isTaken: () => boolean }[] = []
    for (const [name, { pump }] of this.#imports) {
      if (!(pump instanceof OutPump)) continue
      const mark = pump.confirmed + pump.pending
      marks.push({ name, isTaken: () => pump.isEnded || pump.confirmed >= mark })
    }
    return marks
  }

  #pump(request: ImportRequest, { direction, port, end, binding }: Imported): InPump | OutPump {
    const { name, coder } = request
    const what = `channel ${name}`
    const { report, onProgress } = this.#hooks
    const common = {
      what,
      core: this.#core,
      binding,
      port,
      coder,
      ends: new CarriedEnds({
        what,
        core: this.#core,
        binding,
        coder: request.endCoder,
        window: request.endWindow,
        report
      }),
      report,
      onEnd: (error: Error | undefined) => {
        this.#forgetBinding(name, binding)
        if (pump instanceof OutPump) this.#leaving.delete(pump)
        end(error)
        onProgress()
      }
    }
    const pump = direction === 'recv' ? new InPump(common) : new OutPump({ ...common, onProgress })
    return pump
  }

  #giveUp(name: string, imported: Imported): void {
    this.#forget(name, imported)
    this.#core.hangup(imported.binding, leaving())
    this.#core.end(imported.binding)
    imported.wait?.cancel(new HangupError(`import ${name}: taken back before the answer`))
    imported.end()
  }

  #forget(name: string, imported: Imported): void {
    if (this.#imports.get(name) === imported) this.#imports.delete(name)
  }

  #forgetBinding(name: string, binding: Binding): void {
    if (this.#imports.get(name)?.binding === binding) this.#imports.delete(name)
  }
}

function leaving(): Failure {
  return { code: CODE.hangup, message: 'the importer has left' }
}
