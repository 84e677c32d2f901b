import {
  ATTACH_HEADER,
  COOKIE_LENGTH,
  DATA_HEADER,
  ID_LENGTH,
  MESSAGE,
  MessageView,
  TOKEN_LENGTH,
  message,
  readId,
  writeId
} from './messages.ts'
import { isBetween, virtualBytes } from './virtual-address.ts'

/** Why an association ended. */
export type DiallerEnd =
  /** Nobody answered `initiate`. */
  | 'silent'
  /** The listener has said that it is done. */
  | 'closed'
  /** The listener does not know us any more: it was restarted, or has forgotten us. */
  | 'forgotten'

/** What an association leads to. */
export interface DiallerOutput {
  /** Sends a message to the listener. */
  send(bytes: Uint8Array): void
  /** Packets may be sent from now on (once). */
  ready(): void
  /** A packet for the stack has arrived: a range of the received bytes. */
  packet(bytes: Uint8Array, start: number, end: number): void
  /** It is over (once). */
  ended(why: DiallerEnd): void
}

type State =
  | { readonly at: 'asking'; readonly tries: number; readonly due: number }
  | { readonly at: 'attaching'; readonly cookie: Uint8Array }
  | { readonly at: 'attached'; readonly listenerId: number; heardAt: number; beats: number }
  | { readonly at: 'ended' }

/** Milliseconds until `initiate` is sent again; doubles each time. */
const FIRST_RETRY = 250
/**
 * Milliseconds of silence after which the first beat is sent, and how many there are: each silence is
 * twice as long as the one before.
 */
const FIRST_BEAT = 250
const BEATS = 5

/**
 * The dialler's end of an association, without I/O or clock.
 *
 * It asks for a cookie; what it sends then carries the cookie until the listener has answered with
 * an id of its own. So nothing but the first question ever needs to be repeated here: the TCP above
 * repeats its packets.
 *
 * A listener whose packets no longer reach us, because a NAT has forgotten where we are, can only
 * learn it from us; and who only receives has nothing to say. So when the listener falls silent, we
 * say where we are, some times.
 */
export class DiallerAssociation {
  /** The id that is in the addresses of both ends. */
  readonly id: number
  readonly #timeout: number
  readonly #output: DiallerOutput
  readonly #view = new MessageView()
  readonly #own: Uint8Array
  readonly #other: Uint8Array
  #state: State = { at: 'asking', tries: 0, due: 0 }
  #startedAt = 0

  /**
   * @param id random, from 1 to 2^48 - 1
   * @param timeout milliseconds that the listener has to answer the first question
   */
  constructor(id: number, timeout: number, output: DiallerOutput) {
    this.id = id
    this.#timeout = timeout
    this.#output = output
    this.#own = virtualBytes('dialler', id)
    this.#other = virtualBytes('listener', id)
  }

  /** Asks for the first time. */
  start(now: number): void {
    this.#startedAt = now
    this.#ask(0, now)
  }

  /** Has nobody answered yet? */
  get isAsking(): boolean {
    return this.#state.at === 'asking'
  }

  /** When `onTimer` is due; `Infinity` when never. */
  nextDeadline(): number {
    const state = this.#state
    if (state.at === 'asking') return state.due
    if (state.at !== 'attached' || state.beats === BEATS) return Number.POSITIVE_INFINITY
    return state.heardAt + FIRST_BEAT * (2 ** (state.beats + 1) - 1)
  }

  /** Asks again, says where we are, or gives up. */
  onTimer(now: number): void {
    const state = this.#state
    if (now < this.nextDeadline()) return
    if (state.at === 'attached') {
      state.beats++
      this.#output.send(message(MESSAGE.beat, state.listenerId))
    } else if (state.at === 'asking') {
      if (now - this.#startedAt >= this.#timeout) this.#end('silent')
      else this.#ask(state.tries, now)
    }
  }

  /** Handles what one datagram, or several that the kernel has joined, brought. */
  receive(bytes: Uint8Array, now: number): void {
    const view = this.#view
    for (let at = 0; at < bytes.length; at = view.end) {
      if (!view.read(bytes, at)) return
      this.#onMessage(bytes, now)
    }
  }

  /**
   * Writes what goes in front of a packet, and returns how long it is; 0 when nothing can be sent.
   */
  writeHeader(bytes: Uint8Array, packet: number): number {
    const state = this.#state
    if (state.at === 'attached') {
      bytes[packet - DATA_HEADER] = MESSAGE.data
      writeId(bytes, packet - DATA_HEADER + 1, state.listenerId)
      return DATA_HEADER
    }
    if (state.at !== 'attaching') return 0
    bytes[packet - ATTACH_HEADER] = MESSAGE.attach
    writeId(bytes, packet - ATTACH_HEADER + 1, this.id)
    bytes.set(state.cookie, packet - COOKIE_LENGTH)
    return ATTACH_HEADER
  }

  /** Tells the listener that we are done. Idempotent. */
  close(): void {
    const state = this.#state
    if (state.at === 'attached') this.#output.send(message(MESSAGE.close, state.listenerId))
    this.#state = { at: 'ended' }
  }

  #ask(tries: number, now: number): void {
    const due = Math.min(now + FIRST_RETRY * 2 ** tries, this.#startedAt + this.#timeout)
    this.#state = { at: 'asking', tries: tries + 1, due }
    this.#output.send(message(MESSAGE.initiate, this.id))
  }

  #onMessage(bytes: Uint8Array, now: number): void {
    const view = this.#view
    const state = this.#state
    if (view.type === MESSAGE.unknown) {
      if (state.at === 'attached' && view.id === state.listenerId) this.#end('forgotten')
      return
    }
    if (view.id !== this.id) return
    switch (view.type) {
      case MESSAGE.data:
        if (state.at !== 'attached' && state.at !== 'attaching') return
        if (!isBetween(bytes, view.packet, this.#other, this.#own)) return
        if (state.at === 'attached') {
          state.heardAt = now
          state.beats = 0
        }
        this.#output.packet(bytes, view.packet, view.end)
        return
      case MESSAGE.cookie:
        if (state.at === 'asking') {
          const cookie = bytes.slice(view.body, view.body + COOKIE_LENGTH)
          this.#state = { at: 'attaching', cookie }
          this.#output.ready()
        }
        return
      case MESSAGE.attached:
        if (state.at === 'attaching') {
          const listenerId = readId(bytes, view.body)
          this.#state = { at: 'attached', listenerId, heardAt: now, beats: 0 }
        }
        return
      case MESSAGE.probe:
        if (state.at === 'attached') {
          const token = bytes.slice(view.body, view.body + TOKEN_LENGTH)
          this.#output.send(message(MESSAGE.proof, state.listenerId, token))
        }
        return
      case MESSAGE.close:
        if (state.at === 'attached' || state.at === 'attaching') this.#end('closed')
        return
      default:
    }
  }

  #end(why: DiallerEnd): void {
    this.#state = { at: 'ended' }
    this.#output.ended(why)
  }
}

/** Bytes of the random number that an id is made of. */
export const ID_BYTES: number = ID_LENGTH
