import { performance } from 'node:perf_hooks'
import type { Link, LinkCapabilities, LinkReceiver, LinkStats, PacketBatch } from '@warren/netstack'
import { DiallerAssociation, type DiallerEnd } from '../association/dialler-association.ts'
import type { UdpSocket } from '../udp/udp-socket.ts'
import { Inbox } from './inbox.ts'
import { CAPABILITIES, linkStats } from './link-facts.ts'

/** Times that the other machine may say "nobody here" before we believe it of an association. */
const REFUSALS = 3

/** What a {@link DiallerLink} tells its owner. */
export interface DiallerLinkEvents {
  /** Packets can be sent. Once. */
  onReady(): void
  /** Nothing will come any more. Once. */
  onEnded(why: DiallerEnd | 'refused'): void
}

/** The dialler's end of an association as a link of its stack. */
export class DiallerLink implements Link {
  readonly mtu: number
  readonly capabilities: LinkCapabilities = CAPABILITIES
  readonly #socket: UdpSocket
  readonly #association: DiallerAssociation
  readonly #events: DiallerLinkEvents
  #inbox: Inbox | undefined
  #timer: NodeJS.Timeout | undefined
  #refusals = 0
  #closed = false

  /**
   * @param id random, from 1 to 2^48 - 1
   * @param timeout milliseconds that the listener has to answer the first question
   */
  constructor(
    socket: UdpSocket,
    init: { readonly id: number; readonly mtu: number; readonly timeout: number },
    events: DiallerLinkEvents
  ) {
    this.mtu = init.mtu
    this.#socket = socket
    this.#events = events
    this.#association = new DiallerAssociation(init.id, init.timeout, {
      send: bytes => {
        socket.write(bytes, 0, bytes.length)
        socket.flush()
      },
      ready: () => events.onReady(),
      packet: (bytes, start, end) => this.#inbox?.add(bytes, start, end),
      ended: why => this.#end(why)
    })
  }

  get stats(): LinkStats {
    return linkStats(this.#socket)
  }

  start(receiver: LinkReceiver): void {
    this.#inbox = new Inbox(receiver)
    this.#socket.start({
      onDatagram: bytes => {
        this.#refusals = 0
        this.#association.receive(bytes, performance.now())
        this.#arm()
      },
      onError: error => this.#onError(error)
    })
    this.#association.start(performance.now())
    this.#arm()
  }

  send(batch: PacketBatch): void {
    if (this.#closed) return
    const { bytes } = batch
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i] as number
      const header = this.#association.writeHeader(bytes, at)
      if (header > 0) this.#socket.write(bytes, at - header, at + (batch.length[i] as number))
    }
    this.#socket.flush()
  }

  /** Tells the listener, and lets go of the socket. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#association.close()
    this.#inbox?.close()
    this.#socket.close()
  }

  /**
   * What arrives only ever puts the deadline off, so a timer that is set stays as it is, and looks
   * again when it is due.
   */
  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return
    const due = this.#association.nextDeadline()
    if (due === Number.POSITIVE_INFINITY) return
    const wait = Math.max(1, Math.ceil(due - performance.now()))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#association.onTimer(performance.now())
      this.#arm()
    }, wait)
  }

  /**
   * The answer "port unreachable" can be forged by whoever guesses our port, and one can be a moment's
   * truth; so an association outlives some of them.
   */
  #onError(error: NodeJS.ErrnoException): void {
    if (error.code !== 'ECONNREFUSED') return
    this.#refusals++
    if (this.#association.isAsking || this.#refusals >= REFUSALS) this.#end('refused')
  }

  #end(why: DiallerEnd | 'refused'): void {
    if (this.#closed) return
    this.close()
    this.#events.onEnded(why)
  }
}
