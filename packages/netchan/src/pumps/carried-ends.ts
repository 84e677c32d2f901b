import { channel } from '../channel/channel.ts'
import { type ChannelPort, PORT } from '../channel/channel-port.ts'
import type { AttachEnd, ChannelEnd, ResolveEnd } from '../codec/codec-types.ts'
import { NetchanLimitError, ValueInvalidError } from '../errors.ts'
import type { Binding } from '../protocol/binding.ts'
import { type Window, noWindow } from '../protocol/frames.ts'
import type { LinkCore } from '../protocol/link-core.ts'
import { InPump } from './in-pump.ts'
import { OutPump } from './out-pump.ts'
import type { ValueCoder } from './value-coder.ts'

/** What {@link CarriedEnds} works on. */
export interface CarriedEndsInit {
  /** For messages: `channel orders`. */
  readonly what: string
  readonly core: LinkCore
  /** The binding whose values carry the ends. */
  readonly binding: Binding
  /** For the values of the carried channels themselves. */
  readonly coder: ValueCoder
  /** What the peer may have unread of a carried channel here. */
  readonly window: Window
  readonly report: (error: Error) => void
}

/** A carried end that may be taken back, with the value that holds it, before anyone took it. */
export interface CarriedPump {
  release(): void
}

/** Values of a carried channel whose first taker left before it had them, by the channel's port. */
const leftovers = new WeakMap<ChannelPort, unknown[]>()

/**
 * Channels inside the values of one binding. Sending a receiver opens a nested binding that carries
 * its channel's values to the peer; sending a sender opens one that the peer sends on.
 */
export class CarriedEnds {
  readonly #init: CarriedEndsInit
  /** Opened for the value that is being encoded. */
  #opened: CarriedPump[] = []

  constructor(init: CarriedEndsInit) {
    this.#init = init
  }

  readonly attach: AttachEnd = end => {
    const { core, binding, window } = this.#init
    const opened = core.open(
      binding,
      end.kind === 'receiver' ? 'send' : 'recv',
      end.kind === 'receiver' ? noWindow() : window
    )
    if (opened === undefined) {
      throw new NetchanLimitError(`${this.#init.what}: too many channels on this link`)
    }
    this.#opened.push(this.#carry(opened, end.kind, end.end[PORT]))
    return opened.id
  }

  readonly resolve: ResolveEnd = (reference, kind) => {
    const { core, binding, window } = this.#init
    const nested = core.unresolved(reference, binding)
    const isThere = kind === 'receiver' ? nested?.receive : nested?.send
    if (nested === undefined || isThere === undefined) {
      throw new ValueInvalidError(`${this.#init.what}: a value names a channel that is not in it`)
    }
    core.resolve(nested, window)
    const local = channel<unknown>(0)
    // What the peer sends comes in here, so it is our receiver; and the reverse.
    this.#carry(nested, kind === 'receiver' ? 'sender' : 'receiver', local[PORT])
    const end: ChannelEnd =
      kind === 'receiver' ? { kind, end: local.receiver } : { kind, end: local.sender }
    return end
  }

  /** The value that was encoded goes: the ends that it carries, to be taken back with it. */
  commit(): readonly CarriedPump[] {
    if (this.#opened.length === 0) return this.#opened
    const opened = this.#opened
    this.#opened = []
    return opened
  }

  /** The value does not go. */
  rollBack(): void {
    for (const pump of this.commit()) pump.release()
  }

  /** Carries between a nested binding and the port of a local channel, whose `kind` of end it uses. */
  #carry(binding: Binding, kind: ChannelEnd['kind'], port: ChannelPort): CarriedPump {
    const { core, coder, report } = this.#init
    const what = `a channel in a value of ${this.#init.what}`
    const ends = new CarriedEnds({ ...this.#init, what, binding })
    const close = (error: Error | undefined): void => port.close(error)
    if (kind === 'sender') {
      const onEnd = close
      return new InPump({ what, core, binding, port, coder, ends, report, onEnd }).start()
    }
    const first = leftovers.get(port) ?? []
    leftovers.delete(port)
    const pump = new OutPump({
      what,
      core,
      binding,
      port,
      coder,
      ends,
      first,
      report,
      onProgress: () => {},
      onEnd: close
    }).start()
    return {
      release() {
        const rest = pump.release()
        if (rest.length > 0) leftovers.set(port, rest)
      }
    }
  }
}
