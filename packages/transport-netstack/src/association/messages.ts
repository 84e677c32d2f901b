/**
 * The messages of an association, spec.md §2. Each tells its own length, so that one datagram, or
 * several that the kernel has joined (UDP_GRO), can carry several of them.
 */
export const MESSAGE = {
  /** Dialler: I want to talk. Padded, so that the answer is never larger than the question. */
  initiate: 0x11,
  /** Listener, which keeps nothing: prove that you receive what is sent to your address. */
  cookie: 0x12,
  /** Dialler: here is the proof, and a packet. */
  attach: 0x13,
  /** Listener: I know you by this id now. */
  attached: 0x14,
  /** Either: a packet. */
  data: 0x15,
  /** Listener: is it you who is at this new address? */
  probe: 0x16,
  /** Dialler: yes. */
  proof: 0x17,
  /** Either: I am done with the association. */
  close: 0x18,
  /** Listener: the id that you sent to means nothing to me. */
  unknown: 0x19,
  /** Dialler: here I am, should you look for me elsewhere. */
  beat: 0x1a
} as const

/** Bytes of an id. Ids fit a JavaScript number, which makes them fast keys. */
export const ID_LENGTH = 6
/** Ids are below this. */
export const ID_LIMIT = 2 ** 48
/** Bytes of a cookie: when it was made (s), and the code that proves that it was us. */
export const COOKIE_LENGTH = 4 + 16
/** Bytes of the token of a probe. */
export const TOKEN_LENGTH = 8

const BARE_LENGTH = 1 + ID_LENGTH

/** Bytes in front of the packet in `data`. */
export const DATA_HEADER = BARE_LENGTH
/** Bytes in front of the packet in `attach`. */
export const ATTACH_HEADER = BARE_LENGTH + COOKIE_LENGTH

/** Lengths of the messages that carry no packet; the others end where their packet ends. */
const FIXED_LENGTHS: Readonly<Record<number, number>> = {
  [MESSAGE.initiate]: BARE_LENGTH + COOKIE_LENGTH + 13,
  [MESSAGE.cookie]: BARE_LENGTH + COOKIE_LENGTH,
  [MESSAGE.attached]: BARE_LENGTH + ID_LENGTH,
  [MESSAGE.probe]: BARE_LENGTH + TOKEN_LENGTH,
  [MESSAGE.proof]: BARE_LENGTH + TOKEN_LENGTH,
  [MESSAGE.close]: BARE_LENGTH,
  [MESSAGE.unknown]: BARE_LENGTH,
  [MESSAGE.beat]: BARE_LENGTH
}

const IPV6_HEADER = 40

/** One message within received bytes; the same object is filled again and again. */
export class MessageView {
  type = 0
  /** The id that the message begins with. */
  id = 0
  /** Where what follows the id begins. */
  body = 0
  /** Where the packet begins, in `data` and `attach`. */
  packet = 0
  /** Where the message ends. */
  end = 0

  /** Reads the message at `at`; `false` when there is none, or not all of it. */
  read(bytes: Uint8Array, at: number): boolean {
    if (at + BARE_LENGTH > bytes.length) return false
    const type = bytes[at] as number
    this.type = type
    this.id = readId(bytes, at + 1)
    this.body = at + BARE_LENGTH
    const fixed = FIXED_LENGTHS[type]
    if (fixed !== undefined) {
      this.end = at + fixed
      return this.end <= bytes.length
    }
    if (type === MESSAGE.data) this.packet = at + DATA_HEADER
    else if (type === MESSAGE.attach) this.packet = at + ATTACH_HEADER
    else return false
    if (this.packet + IPV6_HEADER > bytes.length || (bytes[this.packet] as number) >> 4 !== 6) {
      return false
    }
    const payload = ((bytes[this.packet + 4] as number) << 8) | (bytes[this.packet + 5] as number)
    this.end = this.packet + IPV6_HEADER + payload
    return this.end <= bytes.length
  }
}

/** Reads an id. */
export function readId(bytes: Uint8Array, at: number): number {
  return readUint(bytes, at, 2) * 2 ** 32 + readUint(bytes, at + 2, 4)
}

/** Writes an id. */
export function writeId(bytes: Uint8Array, at: number, id: number): void {
  writeUint(bytes, at, 2, Math.floor(id / 2 ** 32))
  writeUint(bytes, at + 2, 4, id >>> 0)
}

/** A message without a packet: its id, and what follows; the rest is zero. */
export function message(
  type: (typeof MESSAGE)[keyof typeof MESSAGE],
  id: number,
  ...body: readonly (Uint8Array | number)[]
): Uint8Array {
  const bytes = new Uint8Array(FIXED_LENGTHS[type] ?? BARE_LENGTH)
  bytes[0] = type
  writeId(bytes, 1, id)
  let at = BARE_LENGTH
  for (const part of body) {
    if (typeof part === 'number') {
      writeId(bytes, at, part)
      at += ID_LENGTH
    } else {
      bytes.set(part, at)
      at += part.length
    }
  }
  return bytes
}

/** Reads an unsigned big-endian number of at most four bytes. */
export function readUint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] as number)
  return value
}

/** Writes an unsigned big-endian number of at most four bytes. */
export function writeUint(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = (value >>> (8 * (length - 1 - i))) & 0xff
}
