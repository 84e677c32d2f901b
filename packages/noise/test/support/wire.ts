import type { MessageStream } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'

/** What a wire does with bytes on their way: returns the chunks that arrive, in order. */
export type Tamper = (bytes: Uint8Array) => Uint8Array[]

/**
 * One end of a wire inside this process: a multiaddr conn whose bytes arrive at the other end in
 * later turns of the event loop, cut and changed as the test wants. Sending stalls above
 * `highWater` bytes that the other end has not taken, as on a socket.
 */
export class WireEnd extends AbstractMultiaddrConnection {
  /** Everything that was sent from this end, before it was tampered with. */
  readonly sent: Uint8Array[] = []
  /** How many `send`s reached the wire. */
  writes = 0
  tamper: Tamper = bytes => [bytes]
  peer!: WireEnd
  readonly #highWater: number
  #flying: Uint8Array[] = []
  #flyingBytes = 0
  #stalled = false
  #scheduled = false
  #closing: 'fin' | 'reset' | undefined
  #paused = false

  constructor(direction: 'inbound' | 'outbound', highWater: number) {
    super({
      remoteAddr: multiaddr('/memory/wire'),
      direction,
      log: defaultLogger().forComponent('test:wire')
    })
    this.#highWater = highWater
  }

  /** Bytes sent from here that the other end has not taken. */
  get flyingBytes(): number {
    return this.#flyingBytes
  }

  override sendData(data: Parameters<MessageStream['send']>[0]): SendResult {
    this.writes++
    const bytes = data.slice()
    this.sent.push(bytes)
    for (const chunk of this.tamper(bytes)) {
      this.#flying.push(chunk)
      this.#flyingBytes += chunk.byteLength
    }
    this.#schedule()
    this.#stalled = this.#flyingBytes >= this.#highWater
    return { sentBytes: data.byteLength, canSendMore: !this.#stalled }
  }

  /** Puts bytes on the wire that nobody has sent. */
  inject(...chunks: Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#flying.push(chunk)
      this.#flyingBytes += chunk.byteLength
    }
    this.#schedule()
  }

  override sendReset(): void {
    this.#closing = 'reset'
    this.#flying = []
    this.#schedule()
  }

  override async sendClose(): Promise<void> {
    this.#closing = 'fin'
    this.#schedule()
  }

  override sendPause(): void {
    this.#paused = true
  }

  override sendResume(): void {
    this.#paused = false
    this.peer.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#fly()
    })
  }

  #fly(): void {
    if (this.peer.#paused && this.#closing !== 'reset') return
    const chunk = this.#flying.shift()
    if (chunk !== undefined) {
      this.#flyingBytes -= chunk.byteLength
      if (this.peer.status === 'open') this.peer.onData(chunk)
      if (this.#stalled && this.#flyingBytes < this.#highWater) {
        this.#stalled = false
        this.safeDispatchEvent('drain')
      }
      this.#schedule()
    } else if (this.#closing === 'fin') {
      this.peer.onTransportClosed()
    } else if (this.#closing === 'reset') {
      if (this.peer.status === 'open') this.peer.onRemoteReset()
    }
  }
}

/** Two ends of a wire: the dialler's and the listener's. */
export function wire(highWater = 1_048_576): [WireEnd, WireEnd] {
  const outbound = new WireEnd('outbound', highWater)
  const inbound = new WireEnd('inbound', highWater)
  outbound.peer = inbound
  inbound.peer = outbound
  return [outbound, inbound]
}

/** Cuts bytes into chunks whose lengths `next` gives. */
export function cut(bytes: Uint8Array, next: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const end = Math.min(bytes.byteLength, at + Math.max(1, next()))
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}
