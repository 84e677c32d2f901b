import { TokenBucket } from '@warren/utils'
import { type CookieJar, type UdpEndpoint, sameEndpoint } from './cookie-jar.ts'
import {
  COOKIE_LENGTH,
  DATA_HEADER,
  ID_LIMIT,
  MESSAGE,
  MessageView,
  TOKEN_LENGTH,
  message,
  writeId
} from './messages.ts'
import { isBetween, virtualBytes } from './virtual-address.ts'

/** One dialler, as its listener knows it. */
export interface ListenerAssociation {
  /** The id that the dialler chose: it is in the addresses of both ends, and in what we send. */
  readonly diallerId: number
  /** The id that we chose: it is in what the dialler sends. */
  readonly listenerId: number
  /** Where the dialler is: the address that last proved to be its. */
  readonly endpoint: UdpEndpoint
  /** When it was last heard (ms). */
  readonly heardAt: number
}

/** What the associations of a listener need. Nothing here does I/O or reads a clock. */
export interface ListenerAssociationsInit {
  readonly cookies: CookieJar
  /** Associations at most. */
  readonly limit: number
  /** Associations of one address (whatever its port) at most. */
  readonly limitPerAddress: number
  /** Milliseconds of silence after which an association without a connection is forgotten. */
  readonly idleTimeout: number
  /** Secret random bytes. */
  readonly random: (length: number) => Uint8Array
}

/** What receiving can lead to. */
export interface ListenerOutput {
  /** Sends a message. */
  reply(bytes: Uint8Array, to: UdpEndpoint): void
  /** A packet for the stack has arrived: a range of the received bytes. */
  packet(bytes: Uint8Array, start: number, end: number): void
  /** The dialler has proven another address. */
  moved(association: ListenerAssociation): void
  /** The dialler has said that it is done with the association, which is gone now. */
  closed(association: ListenerAssociation): void
}

/** Counts since the listener began. */
export interface AssociationCounts {
  /** Associations made. */
  attached: number
  /** Attachments refused because a limit was reached. */
  refused: number
  /** Attachments whose cookie was old or not ours. */
  forged: number
  /** Changes of a dialler's address that were proven. */
  moved: number
  /** Messages that were no messages, or not for anyone here. */
  stray: number
}

interface Entry extends ListenerAssociation {
  endpoint: UdpEndpoint
  heardAt: number
  readonly diallerAddress: Uint8Array
  readonly listenerAddress: Uint8Array
  /** It carries a connection: silence does not end it. */
  held: boolean
  probe: Probe | undefined
}

interface Probe {
  readonly endpoint: UdpEndpoint
  readonly token: Uint8Array
  readonly at: number
}

/** Answers to those who have proven nothing, per second; beyond that they get none. */
const STRANGER_REPLIES = { burst: 2_000, perSecond: 10_000 }
/** Milliseconds between two probes of one association. */
const PROBE_INTERVAL = 200

/**
 * The associations of one listening UDP socket.
 *
 * A stranger's `initiate` is answered by a cookie and leaves nothing behind; only a cookie that came
 * back from the address it was sent to makes an association. From then on the dialler is known by the
 * id in its messages, not by its address: when that changes (a NAT forgot it, a laptop changed its
 * network), the new one is used as soon as it has answered a probe.
 */
export class ListenerAssociations {
  readonly counts: AssociationCounts = { attached: 0, refused: 0, forged: 0, moved: 0, stray: 0 }
  readonly #init: ListenerAssociationsInit
  readonly #byListenerId = new Map<number, Entry>()
  readonly #byDiallerId = new Map<number, Entry>()
  readonly #perAddress = new Map<string, number>()
  readonly #view = new MessageView()
  #replies: TokenBucket | undefined

  constructor(init: ListenerAssociationsInit) {
    this.#init = init
  }

  get size(): number {
    return this.#byDiallerId.size
  }

  /** The association whose addresses carry this id. */
  find(diallerId: number): ListenerAssociation | undefined {
    return this.#byDiallerId.get(diallerId)
  }

  /** A connection runs over it, or no longer does. */
  hold(diallerId: number, held: boolean, now: number): void {
    const entry = this.#byDiallerId.get(diallerId)
    if (entry === undefined) return
    entry.held = held
    entry.heardAt = now
  }

  /** Handles what one datagram, or several that the kernel has joined, brought. */
  receive(bytes: Uint8Array, from: UdpEndpoint, now: number, output: ListenerOutput): void {
    const view = this.#view
    for (let at = 0; at < bytes.length; at = view.end) {
      if (!view.read(bytes, at)) {
        this.counts.stray++
        return
      }
      this.#onMessage(bytes, from, now, output)
    }
  }

  /** Writes what goes in front of a packet to the dialler, and returns how long it is. */
  writeHeader(bytes: Uint8Array, packet: number, association: ListenerAssociation): number {
    bytes[packet - DATA_HEADER] = MESSAGE.data
    writeId(bytes, packet - DATA_HEADER + 1, association.diallerId)
    return DATA_HEADER
  }

  /** Forgets all associations, and tells the diallers. */
  closeAll(output: ListenerOutput): void {
    for (const entry of this.#byDiallerId.values()) {
      this.#forget(entry)
      output.reply(message(MESSAGE.close, entry.diallerId), entry.endpoint)
    }
  }

  /** Forgets associations without a connection that have been silent for too long. */
  expire(now: number): void {
    for (const entry of this.#byDiallerId.values()) {
      if (!entry.held && now - entry.heardAt >= this.#init.idleTimeout) this.#forget(entry)
    }
  }

  #onMessage(bytes: Uint8Array, from: UdpEndpoint, now: number, output: ListenerOutput): void {
    const view = this.#view
    switch (view.type) {
      case MESSAGE.data:
        this.#onData(bytes, from, now, output)
        return
      case MESSAGE.beat: {
        const entry = this.#byListenerId.get(view.id)
        if (entry === undefined) this.#onStranger(from, now, output)
        else if (!sameEndpoint(entry.endpoint, from)) this.#probe(entry, from, now, output)
        return
      }
      case MESSAGE.initiate:
        if (this.#mayReply(now)) {
          const cookie = this.#init.cookies.bake(view.id, from, now)
          output.reply(message(MESSAGE.cookie, view.id, cookie), from)
        }
        return
      case MESSAGE.attach:
        this.#onAttach(bytes, from, now, output)
        return
      case MESSAGE.proof:
        this.#onProof(bytes, from, output)
        return
      case MESSAGE.close: {
        const entry = this.#byListenerId.get(view.id)
        if (entry === undefined || !sameEndpoint(entry.endpoint, from)) return
        this.#forget(entry)
        output.closed(entry)
        return
      }
      default:
        this.counts.stray++
    }
  }

  #onData(bytes: Uint8Array, from: UdpEndpoint, now: number, output: ListenerOutput): void {
    const view = this.#view
    const entry = this.#byListenerId.get(view.id)
    if (entry === undefined) {
      this.#onStranger(from, now, output)
      return
    }
    this.#onPacket(entry, bytes, now, output)
    if (!sameEndpoint(entry.endpoint, from)) this.#probe(entry, from, now, output)
  }

  #onStranger(from: UdpEndpoint, now: number, output: ListenerOutput): void {
    this.counts.stray++
    if (this.#mayReply(now)) output.reply(message(MESSAGE.unknown, this.#view.id), from)
  }

  #onAttach(bytes: Uint8Array, from: UdpEndpoint, now: number, output: ListenerOutput): void {
    const view = this.#view
    const cookie = bytes.subarray(view.body, view.body + COOKIE_LENGTH)
    let entry = this.#byDiallerId.get(view.id)
    if (entry !== undefined && !sameEndpoint(entry.endpoint, from)) {
      // Another has this id already, or the same has moved before it knew ours: it must begin anew.
      this.counts.refused++
      return
    }
    if (entry === undefined) {
      if (!this.#init.cookies.accepts(cookie, view.id, from, now)) {
        this.counts.forged++
        return
      }
      entry = this.#attach(view.id, from, now)
      if (entry === undefined) return
    }
    output.reply(message(MESSAGE.attached, entry.diallerId, entry.listenerId), from)
    this.#onPacket(entry, bytes, now, output)
  }

  #attach(diallerId: number, endpoint: UdpEndpoint, now: number): Entry | undefined {
    const { limit, limitPerAddress } = this.#init
    const there = this.#perAddress.get(endpoint.address) ?? 0
    if (this.#byDiallerId.size >= limit || there >= limitPerAddress) {
      this.counts.refused++
      return undefined
    }
    const entry: Entry = {
      diallerId,
      listenerId: this.#freshId(),
      endpoint,
      heardAt: now,
      diallerAddress: virtualBytes('dialler', diallerId),
      listenerAddress: virtualBytes('listener', diallerId),
      held: false,
      probe: undefined
    }
    this.#byDiallerId.set(diallerId, entry)
    this.#byListenerId.set(entry.listenerId, entry)
    this.#perAddress.set(endpoint.address, there + 1)
    this.counts.attached++
    return entry
  }

  #onPacket(entry: Entry, bytes: Uint8Array, now: number, output: ListenerOutput): void {
    const { packet, end } = this.#view
    if (!isBetween(bytes, packet, entry.diallerAddress, entry.listenerAddress)) {
      this.counts.stray++
      return
    }
    entry.heardAt = now
    output.packet(bytes, packet, end)
  }

  #probe(entry: Entry, endpoint: UdpEndpoint, now: number, output: ListenerOutput): void {
    const { probe } = entry
    if (probe !== undefined && now - probe.at < PROBE_INTERVAL) return
    const token =
      probe !== undefined && sameEndpoint(probe.endpoint, endpoint)
        ? probe.token
        : this.#init.random(TOKEN_LENGTH)
    entry.probe = { endpoint, token, at: now }
    output.reply(message(MESSAGE.probe, entry.diallerId, token), endpoint)
  }

  #onProof(bytes: Uint8Array, from: UdpEndpoint, output: ListenerOutput): void {
    const view = this.#view
    const entry = this.#byListenerId.get(view.id)
    const probe = entry?.probe
    if (entry === undefined || probe === undefined || !sameEndpoint(probe.endpoint, from)) return
    const token = bytes.subarray(view.body, view.body + TOKEN_LENGTH)
    if (!probe.token.every((byte, i) => byte === token[i])) return
    this.#count(entry.endpoint.address, -1)
    this.#count(from.address, 1)
    entry.endpoint = from
    entry.probe = undefined
    this.counts.moved++
    output.moved(entry)
  }

  #forget(entry: Entry): void {
    this.#byDiallerId.delete(entry.diallerId)
    this.#byListenerId.delete(entry.listenerId)
    this.#count(entry.endpoint.address, -1)
  }

  #count(address: string, change: number): void {
    const count = (this.#perAddress.get(address) ?? 0) + change
    if (count > 0) this.#perAddress.set(address, count)
    else this.#perAddress.delete(address)
  }

  #freshId(): number {
    for (;;) {
      const bytes = this.#init.random(6)
      let id = 0
      for (const byte of bytes) id = id * 256 + byte
      if (id > 0 && id < ID_LIMIT && !this.#byListenerId.has(id)) return id
    }
  }

  #mayReply(now: number): boolean {
    this.#replies ??= new TokenBucket(STRANGER_REPLIES, now)
    return this.#replies.take(now)
  }
}
