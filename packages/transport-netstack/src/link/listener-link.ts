import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Link, LinkCapabilities, LinkReceiver, LinkStats, PacketBatch } from '@warren/netstack'
import { CookieJar } from '../association/cookie-jar.ts'
import {
  type AssociationCounts,
  type ListenerAssociation,
  ListenerAssociations,
  type ListenerOutput
} from '../association/listener-associations.ts'
import { destinationId } from '../association/virtual-address.ts'
import type { UdpSocket } from '../udp/udp-socket.ts'
import { Inbox } from './inbox.ts'
import { CAPABILITIES, linkStats } from './link-facts.ts'

/** Seconds in which a dialler must bring a cookie back. */
const COOKIE_LIFETIME = 15
/** Milliseconds between two looks for associations that are silent. */
const EXPIRY_INTERVAL = 5_000

/** What a {@link ListenerLink} is made of. */
export interface ListenerLinkInit {
  readonly mtu: number
  /** Associations at most. */
  readonly limit: number
  readonly limitPerAddress: number
  /** Milliseconds that an association may be silent when it carries no connection. */
  readonly idleTimeout: number
  /** A dialler was found at another address. */
  readonly onMoved: (association: ListenerAssociation) => void
  /** A dialler has said that it is done with its association. */
  readonly onGone: (association: ListenerAssociation) => void
}

/** All associations of a listening socket as one link of its stack. */
export class ListenerLink implements Link {
  readonly mtu: number
  readonly capabilities: LinkCapabilities = CAPABILITIES
  readonly #socket: UdpSocket
  readonly #associations: ListenerAssociations
  readonly #output: ListenerOutput
  #inbox: Inbox | undefined
  #expiry: NodeJS.Timeout | undefined
  #closed = false

  constructor(socket: UdpSocket, init: ListenerLinkInit) {
    this.mtu = init.mtu
    this.#socket = socket
    this.#associations = new ListenerAssociations({
      cookies: new CookieJar(randomBytes(32), COOKIE_LIFETIME),
      limit: init.limit,
      limitPerAddress: init.limitPerAddress,
      idleTimeout: init.idleTimeout,
      random: randomBytes
    })
    this.#output = {
      reply: (bytes, to) => {
        socket.write(bytes, 0, bytes.length, to)
        socket.flush()
      },
      packet: (bytes, start, end) => this.#inbox?.add(bytes, start, end),
      moved: association => init.onMoved(association),
      closed: association => init.onGone(association)
    }
  }

  get stats(): LinkStats {
    return linkStats(this.#socket)
  }

  /** Counts of the associations since the listener began. */
  get counts(): Readonly<AssociationCounts> {
    return this.#associations.counts
  }

  /** Associations as they are now. */
  get size(): number {
    return this.#associations.size
  }

  /** The association whose addresses carry this id. */
  find(diallerId: number): ListenerAssociation | undefined {
    return this.#associations.find(diallerId)
  }

  /** A connection runs over an association, or no longer does. */
  hold(diallerId: number, held: boolean): void {
    this.#associations.hold(diallerId, held, performance.now())
  }

  start(receiver: LinkReceiver): void {
    this.#inbox = new Inbox(receiver)
    this.#socket.start({
      onDatagram: (bytes, from) => {
        if (!this.#closed) {
          this.#associations.receive(bytes, from, performance.now(), this.#output)
        }
      },
      // Of a socket that is not connected: one datagram could not be sent. The socket goes on.
      onError: () => {}
    })
    this.#expiry = setInterval(
      () => this.#associations.expire(performance.now()),
      EXPIRY_INTERVAL
    ).unref()
  }

  send(batch: PacketBatch): void {
    if (this.#closed) return
    const { bytes } = batch
    let association: ListenerAssociation | undefined
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offset[i] as number
      const id = destinationId(bytes, at)
      if (association?.diallerId !== id) association = this.#associations.find(id)
      if (association === undefined) continue
      const header = this.#associations.writeHeader(bytes, at, association)
      const end = at + (batch.length[i] as number)
      this.#socket.write(bytes, at - header, end, association.endpoint)
    }
    this.#socket.flush()
  }

  /** Tells all diallers, and lets go of the socket. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#associations.closeAll(this.#output)
    this.#closed = true
    clearInterval(this.#expiry)
    this.#inbox?.close()
    this.#socket.close()
  }
}
