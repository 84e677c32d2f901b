import { type Prefix, samePrefix } from './address.ts'
import type { NetInterface } from './net-interface.ts'

interface Route extends Prefix {
  readonly via: NetInterface
}

/** Which interface a destination is reached by: the longest prefix wins. */
export class Routes {
  #routes: Route[] = []

  /** Adds a route; one for the same prefix is replaced. */
  add(prefix: Prefix, via: NetInterface): void {
    this.remove(prefix)
    this.#routes.push({ ...prefix, via })
    this.#routes.sort((a, b) => b.bits - a.bits)
  }

  /** Takes a route out. */
  remove(prefix: Prefix): void {
    this.#routes = this.#routes.filter(
      route => route.bits !== prefix.bits || !samePrefix(route.address, prefix.address, prefix.bits)
    )
  }

  /** Takes out all routes by an interface. */
  removeVia(via: NetInterface): void {
    this.#routes = this.#routes.filter(route => route.via !== via)
  }

  /** The interface for a destination. */
  find(destination: Int32Array): NetInterface | undefined {
    for (const route of this.#routes) {
      if (samePrefix(route.address, destination, route.bits)) return route.via
    }
    return undefined
  }
}
