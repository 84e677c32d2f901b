import { until } from '../../support/until.ts'
import { Attacker } from './attacker.ts'
import { line } from './lines.ts'

/** Message types of mplex; as it dials, the attacker is the initiator of its streams. */
export const MPLEX = {
  newStream: 0,
  messageReceiver: 1,
  message: 2,
  closeReceiver: 3,
  close: 4,
  resetReceiver: 5,
  reset: 6
} as const

/** A number as a varint, padded to at least so many bytes where that is asked for. */
export function varint(value: number | bigint, size = 1): Buffer {
  const bytes: number[] = []
  let left = BigInt(value)
  while (left >= 0x80n || bytes.length < size - 1) {
    bytes.push(Number(left & 0x7fn) | 0x80)
    left >>= 7n
  }
  bytes.push(Number(left))
  return Buffer.from(bytes)
}

/** A message; `length` may lie. */
export function message(
  type: number,
  id: number | bigint,
  body: Uint8Array = new Uint8Array(0),
  length = body.length
): Buffer {
  return Buffer.concat([varint((BigInt(id) << 3n) | BigInt(type)), varint(length), body])
}

/** A peer that speaks mplex message by message. */
export class MplexAttacker implements Disposable {
  readonly connection: Attacker
  /** Everything that the victim has sent. */
  received = ''
  #nextId = 0

  private constructor(connection: Attacker) {
    this.connection = connection
    connection.secured.addEventListener('message', ({ data }) => {
      this.received += Buffer.from(data.subarray()).toString('latin1')
    })
  }

  static async connect(port: number): Promise<MplexAttacker> {
    return new MplexAttacker(await Attacker.muxed(port, '/mplex/6.7.0'))
  }

  /** Opens a stream and waits until the victim has taken it for the protocol. */
  async open(protocol: string): Promise<number> {
    const id = this.#nextId++
    await this.send(
      Buffer.concat([
        message(MPLEX.newStream, id, Buffer.from(`${id}`)),
        message(MPLEX.message, id, Buffer.concat([line('/multistream/1.0.0'), line(protocol)]))
      ])
    )
    await until(() => this.received.includes(`${protocol}\n`), `the victim takes ${protocol}`)
    return id
  }

  send(bytes: Uint8Array): Promise<boolean> {
    return this.connection.send(bytes)
  }

  [Symbol.dispose](): void {
    this.connection[Symbol.dispose]()
  }
}
