import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { COOKIE_LENGTH, writeId, writeUint } from './messages.ts'

/** Where datagrams come from and go to. */
export interface UdpEndpoint {
  readonly address: string
  readonly port: number
}

const STAMP_LENGTH = 4

/**
 * Makes and checks cookies: what a dialler must bring back before anything is kept of it. A cookie
 * binds the id that the dialler chose to the address it was sent to and to a time, by a code
 * (HMAC-SHA-256, cut to 16 bytes) under a key that only this listener has. No state, whoever asks.
 */
export class CookieJar {
  readonly #key: Uint8Array
  readonly #lifetime: number

  /**
   * @param key secret random bytes, 32 of them
   * @param lifetime seconds that a cookie is good for
   */
  constructor(key: Uint8Array, lifetime: number) {
    this.#key = key
    this.#lifetime = lifetime
  }

  /** A cookie for whoever receives it there. `now` in ms. */
  bake(id: number, endpoint: UdpEndpoint, now: number): Uint8Array {
    return this.#cookie(id, endpoint, Math.floor(now / 1000))
  }

  /** Is it one of ours, for this id and address, and not too old? */
  accepts(cookie: Uint8Array, id: number, endpoint: UdpEndpoint, now: number): boolean {
    const stamp = new DataView(cookie.buffer, cookie.byteOffset).getUint32(0)
    const age = Math.floor(now / 1000) - stamp
    if (age < 0 || age > this.#lifetime) return false
    return timingSafeEqual(cookie, this.#cookie(id, endpoint, stamp))
  }

  #cookie(id: number, { address, port }: UdpEndpoint, stamp: number): Uint8Array {
    const fixed = new Uint8Array(STAMP_LENGTH + 6 + 2)
    writeUint(fixed, 0, STAMP_LENGTH, stamp)
    writeId(fixed, STAMP_LENGTH, id)
    writeUint(fixed, STAMP_LENGTH + 6, 2, port)
    const code = createHmac('sha256', this.#key).update(fixed).update(address).digest()
    const cookie = new Uint8Array(COOKIE_LENGTH)
    cookie.set(fixed.subarray(0, STAMP_LENGTH))
    cookie.set(code.subarray(0, COOKIE_LENGTH - STAMP_LENGTH), STAMP_LENGTH)
    return cookie
  }
}

/** The same endpoint in the one form in which endpoints are compared and counted. */
export function sameEndpoint(a: UdpEndpoint, b: UdpEndpoint): boolean {
  return a.port === b.port && a.address === b.address
}

/** Endpoint as people write it. */
export function printEndpoint({ address, port }: UdpEndpoint): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
