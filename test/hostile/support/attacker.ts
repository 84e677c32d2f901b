import { noise } from '@chainsafe/libp2p-noise'
import type { ICryptoInterface, NoiseExtensions } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, PrivateKey, Upgrader } from '@libp2p/interface'
import * as mss from '@libp2p/multistream-select'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Journal } from './journal.ts'
import { SocketStream } from './socket-stream.ts'
import type { Tamper } from './socket-stream.ts'

/** What an attacker may have of its own. */
export interface AttackerInit {
  /** The address to connect to; loopback where it is not given. */
  readonly host?: string
  readonly privateKey?: PrivateKey
  /** Primitives of its Noise. */
  readonly crypto?: ICryptoInterface
  /** What it tells in the handshake besides its identity. */
  readonly extensions?: Partial<NoiseExtensions>
  /** Changes the bytes from the start. */
  readonly tamper?: Tamper
}

/** One identity for all attackers: the victim's peer store remembers every peer it has met. */
const commonKey = await generateKeyPair('Ed25519')
const logger = new Journal()

/**
 * A peer that speaks correctly as far as asked, by other people's code, and leaves the rest to the
 * test: bytes on the socket, in Noise records, or in a muxer.
 */
export class Attacker implements Disposable {
  readonly raw: SocketStream
  /** What the muxer runs on; bytes sent here leave as Noise records. */
  readonly secured: MessageStream

  private constructor(raw: SocketStream, secured: MessageStream) {
    this.raw = raw
    this.secured = secured
  }

  /** A socket on which `/noise` was negotiated, and nothing was sent of it. */
  static async atNoise(port: number, init: AttackerInit = {}): Promise<SocketStream> {
    const raw = await SocketStream.connect(port, init.host)
    await mss.select(raw, '/noise')
    return raw
  }

  /** A secured connection without a muxer. */
  static async secure(port: number, init: AttackerInit = {}): Promise<Attacker> {
    return Attacker.#handshake(await Attacker.atNoise(port, init), init)
  }

  /** The same on a socket that nothing was said on. */
  static async on(raw: SocketStream, init: AttackerInit = {}): Promise<Attacker> {
    await mss.select(raw, '/noise')
    return Attacker.#handshake(raw, init)
  }

  static async #handshake(raw: SocketStream, init: AttackerInit): Promise<Attacker> {
    if (init.tamper !== undefined) raw.tamper = init.tamper
    const privateKey = init.privateKey ?? commonKey
    const { crypto, extensions } = init
    const encrypter = noise({
      ...(crypto === undefined ? {} : { crypto }),
      ...(extensions === undefined ? {} : { extensions })
    })({
      privateKey,
      // Not sent: the other end makes it from the key.
      peerId: peerIdFromPrivateKey(commonKey),
      logger,
      upgrader: { getStreamMuxers: () => new Map() } as unknown as Upgrader
    })
    const { connection } = await encrypter.secureOutbound(raw, { skipStreamMuxerNegotiation: true })
    return new Attacker(raw, connection)
  }

  /** A connection whose muxer was negotiated; its frames are the caller's. */
  static async muxed(port: number, muxer: string, init: AttackerInit = {}): Promise<Attacker> {
    const attacker = await Attacker.secure(port, init)
    await mss.select(attacker.secured, muxer)
    return attacker
  }

  /** Sends bytes in Noise records, and waits while the socket is full. `false` once it is over. */
  async send(bytes: Uint8Array): Promise<boolean> {
    if (this.#dead) return false
    try {
      if (!this.secured.send(bytes)) await this.raw.drained()
    } catch {
      return false
    }
    return !this.#dead
  }

  /** Sends `next(i)` again and again, until so many were sent or the victim has ended it. */
  async flood(times: number, next: (index: number) => Uint8Array): Promise<number> {
    for (let i = 0; i < times; i++) {
      if (!(await this.send(next(i)))) return i
      // Lets the socket tell that it is over.
      if (i % 8 === 7) await new Promise(resolve => setImmediate(resolve))
    }
    return times
  }

  /** Reads nothing from now on. */
  stopReading(): void {
    this.raw.socket.pause()
  }

  /** Reads again; resolves when the victim has ended the connection. */
  over(ms?: number): Promise<'closed' | 'reset'> {
    return this.raw.ended(ms)
  }

  [Symbol.dispose](): void {
    this.raw.hangUp()
  }

  get #dead(): boolean {
    const { socket } = this.raw
    return socket.destroyed || socket.errored !== null || socket.readableEnded
  }
}
