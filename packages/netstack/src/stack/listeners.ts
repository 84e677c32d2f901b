import { sameAddress } from './address.ts'
import type { Listener } from './listener.ts'

/** Finds the listener for an address and port: one for exactly this address comes before one for any. */
export class Listeners {
  readonly #byPort = new Map<number, Listener[]>()

  /** Whether exactly this place is taken. */
  has(address: Int32Array | undefined, port: number): boolean {
    return (this.#byPort.get(port) ?? []).some(({ address: other }) =>
      other === undefined || address === undefined ? other === address : sameAddress(other, address)
    )
  }

  add(listener: Listener): void {
    const others = this.#byPort.get(listener.port)
    if (others === undefined) this.#byPort.set(listener.port, [listener])
    else others.push(listener)
  }

  remove(listener: Listener): void {
    const left = (this.#byPort.get(listener.port) ?? []).filter(other => other !== listener)
    if (left.length === 0) this.#byPort.delete(listener.port)
    else this.#byPort.set(listener.port, left)
  }

  /** @param local - whether `address` is ours: a listener on any address means any of ours */
  find(address: Int32Array, port: number, local: boolean): Listener | undefined {
    const listeners = this.#byPort.get(port)
    if (listeners === undefined) return undefined
    let any: Listener | undefined
    for (const listener of listeners) {
      if (listener.address === undefined) any = local ? listener : undefined
      else if (sameAddress(listener.address, address)) return listener
    }
    return any
  }
}
