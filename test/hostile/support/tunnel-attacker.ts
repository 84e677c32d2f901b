import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { noise, sealOutbound } from '@warren/noise'
import { createSwarm } from '@warren/swarm'
import type { Swarm } from '@warren/swarm'
import { tcp } from '@warren/transport-tcp'
import { LengthPrefixedDecoder, encodeLengthPrefixed } from '@warren/utils'
import { yamux } from '@warren/yamux'
import { until } from '../../support/until.ts'
import type { VictimAddress } from './victim-types.ts'
import { decodeFields, encodeFields } from './wire-fields.ts'
import type { Field, Fields } from './wire-fields.ts'

export const TUNNEL = '/warren/tunnel/1.0.0'
export const SESSION = '/warren/session/1.0.0'
/** Fields of a control message (packages/tunnel/proto/control.proto). */
export const CONTROL = {
  hello: 1,
  proof: 2,
  welcome: 3,
  refuse: 4,
  announce: 5,
  discover: 6,
  probe: 7,
  present: 8,
  withdraw: 10,
  goodbye: 11,
  reproof: 14
} as const

/** A stream to the victim, and what came on it. */
export class RawStream {
  readonly stream: Stream
  readonly #chunks: Uint8Array[] = []

  constructor(stream: Stream) {
    this.stream = stream
    stream.addEventListener('message', ({ data }) => {
      this.#chunks.push(Buffer.from(data.subarray()))
    })
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Control messages that have come. */
  get messages(): Fields[] {
    return [...new LengthPrefixedDecoder(65_536).push(this.received)].map(decodeFields)
  }

  get ended(): boolean {
    return this.stream.status !== 'open' || this.stream.remoteWriteStatus === 'closed'
  }

  /** `false` when the stream has ended. */
  send(bytes: Uint8Array): boolean {
    if (this.stream.writeStatus !== 'writable') return false
    this.stream.send(bytes)
    return true
  }

  sendControl(field: number, ...fields: readonly Field[]): boolean {
    return this.send(control(field, ...fields))
  }

  /** Resolves when the victim has ended the stream. */
  async over(): Promise<void> {
    await until(() => this.ended, 'the victim ends the stream', 10_000)
  }

  /** Ends our direction, where that is still open. */
  async close(): Promise<void> {
    if (this.stream.writeStatus === 'writable') await this.stream.close()
  }

  /** Resolves when what came is as wanted. */
  async waitFor(check: (received: Buffer) => boolean): Promise<void> {
    await until(() => check(this.received) || this.ended, 'the victim answers', 10_000)
    if (!check(this.received)) throw new Error('the stream ended before the answer')
  }

  /** The first message with that field, once it is there. */
  async message(field: number): Promise<Fields> {
    const find = (): Fields | undefined => this.messages.find(each => each.has(field))
    await until(() => find() !== undefined || this.ended, `message ${field} comes`, 10_000)
    const found = find()?.get(field)?.[0]
    if (!(found instanceof Uint8Array)) throw new Error(`the stream ended before message ${field}`)
    return decodeFields(found)
  }
}

/** A control message behind its length. */
export function control(field: number, ...fields: readonly Field[]): Uint8Array {
  return encodeLengthPrefixed(encodeFields([field, encodeFields(...fields)]))
}

/** A peer that speaks the protocols of the tunnel by hand. */
export class TunnelAttacker implements AsyncDisposable {
  readonly #swarm: Swarm
  readonly #connection: Connection

  private constructor(swarm: Swarm, connection: Connection) {
    this.#swarm = swarm
    this.#connection = connection
  }

  static async connect({ port, peer }: VictimAddress): Promise<TunnelAttacker> {
    const swarm = await createSwarm({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`)
    return new TunnelAttacker(swarm, await swarm.dial(address))
  }

  get status(): Connection['status'] {
    return this.#connection.status
  }

  async open(protocol: string): Promise<RawStream> {
    return new RawStream(await this.#swarm.newStream(this.#connection, protocol))
  }

  /** A control stream on which the proof is complete; with another token it is refused. */
  async link(token: Uint8Array): Promise<RawStream> {
    const stream = await this.open(TUNNEL)
    const nonce = randomBytes(32)
    stream.sendControl(CONTROL.hello, [1, 1], [2, nonce])
    const hello = await stream.message(CONTROL.hello)
    const [theirs] = hello.get(2) ?? []
    if (!(theirs instanceof Uint8Array)) throw new Error('the hello has no nonce')
    stream.sendControl(CONTROL.proof, [1, this.#proof(token, nonce, theirs)])
    await stream.message(CONTROL.welcome)
    return stream
  }

  /** Begins a seal on a stream whose head is out, with a prologue that is not the victim's. */
  async sealWrongly(stream: RawStream): Promise<void> {
    const { privateKey } = this.#swarm.components
    const prologue = randomBytes(100)
    await sealOutbound(stream.stream, { privateKey, prologue })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.abort(new Error('the attack is over'))
    await this.#swarm.close()
  }

  /** By packages/tunnel/spec.md, "Link proof": that of the initiator. */
  #proof(token: Uint8Array, nonce: Uint8Array, theirs: Uint8Array): Uint8Array {
    const key = new Uint8Array(hkdfSync('sha256', token, '', 'warren/tunnel/link/1/token', 32))
    const hmac = createHmac('sha256', key)
      .update('warren/tunnel/link-proof')
      .update(Buffer.of(1, 1))
    const { peerId } = this.#swarm
    const peers = [peerId.toMultihash().bytes, this.#connection.remotePeer.toMultihash().bytes]
    for (const part of [...peers, nonce, theirs]) {
      hmac.update(Buffer.of(part.length >> 8, part.length & 0xff)).update(part)
    }
    return hmac.digest()
  }
}
