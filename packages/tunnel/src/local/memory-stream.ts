import type { Logger, Stream } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Bytes under way in one direction before the sender is told to wait. */
const CAPACITY = 262_144

/** Streams have a logger by contract; those inside a process have nothing to say. */
const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent
})

/**
 * Two ends of a stream inside this process, with the back-pressure and the half-close of a muxed
 * one: a channel that is dialled where it is listened on is served over it.
 */
export function memoryStreams(protocol: string): [Stream, Stream] {
  const dialler = new MemoryStream('outbound', protocol)
  const listener = new MemoryStream('inbound', protocol)
  dialler.connectTo(listener)
  listener.connectTo(dialler)
  return [dialler, listener]
}

let streams = 0

/** What goes to the other end: bytes, or the end of them. */
type Item = Uint8Array | 'end'

class MemoryStream extends AbstractStream {
  #other: MemoryStream | undefined
  /** What the other end has sent and this one has not taken. */
  readonly #inbound: Item[] = []
  #inboundBytes = 0
  #delivery: NodeJS.Immediate | undefined

  constructor(direction: 'inbound' | 'outbound', protocol: string) {
    super({ id: `memory-${streams++}`, direction, protocol, log: silent })
  }

  connectTo(other: MemoryStream): void {
    this.#other = other
  }

  sendData(data: Uint8ArrayList): SendResult {
    // Copied: the two ends must not share memory that one of them may change.
    this.#other?.take(data.slice())
    return { sentBytes: data.byteLength, canSendMore: this.#other?.hasRoom ?? true }
  }

  sendReset(): void {
    this.#dropInbound()
    const other = this.#other
    setImmediate(() => other?.resetByPeer())
  }

  async sendCloseWrite(): Promise<void> {
    this.#other?.take('end')
  }

  async sendCloseRead(): Promise<void> {
    this.#dropInbound()
  }

  sendPause(): void {}

  sendResume(): void {
    this.#schedule()
  }

  /** Room for more from the other end. */
  get hasRoom(): boolean {
    return this.#inboundBytes < CAPACITY
  }

  take(item: Item): void {
    if (this.status !== 'open' && this.status !== 'closing') return
    this.#inbound.push(item)
    if (item !== 'end') this.#inboundBytes += item.length
    this.#schedule()
  }

  resetByPeer(): void {
    this.#dropInbound()
    if (this.status === 'open' || this.status === 'closing') this.onRemoteReset()
  }

  #schedule(): void {
    if (this.#inbound.length === 0 || this.#delivery !== undefined) return
    this.#delivery = setImmediate(() => {
      this.#delivery = undefined
      this.#deliver()
    })
  }

  #deliver(): void {
    const wasFull = !this.hasRoom
    while (this.readStatus !== 'paused') {
      const item = this.#inbound.shift()
      if (item === undefined) break
      if (item === 'end') {
        this.onRemoteCloseWrite()
        break
      }
      this.#inboundBytes -= item.length
      this.onData(item)
    }
    if (wasFull && this.hasRoom) this.#other?.safeDispatchEvent('drain')
  }

  #dropInbound(): void {
    const wasFull = !this.hasRoom
    const ended = this.#inbound.includes('end')
    this.#inbound.length = 0
    this.#inboundBytes = 0
    if (ended) this.take('end')
    if (wasFull) this.#other?.safeDispatchEvent('drain')
  }
}
