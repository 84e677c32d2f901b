import type { Binding } from './binding.ts'
import { CODE, Violation } from './codes.ts'
import { MAX_ID } from './limits.ts'

/** The bindings of one end of a link, and which ids either end has used. */
export class BindingTable {
  readonly #bindings = new Map<number, Binding>()
  readonly #max: number
  /** Ours are even at the importer, odd at the exporter. */
  #nextId: number
  #lastPeerId = -1

  constructor(role: 'exporter' | 'importer', max: number) {
    this.#max = max
    this.#nextId = role === 'importer' ? 0 : 1
  }

  get size(): number {
    return this.#bindings.size
  }

  /** One more may be made. */
  get hasRoom(): boolean {
    return this.#bindings.size < this.#max && this.#nextId <= MAX_ID
  }

  all(): Binding[] {
    return [...this.#bindings.values()]
  }

  clear(): void {
    this.#bindings.clear()
  }

  add(binding: Binding): void {
    this.#bindings.set(binding.id, binding)
  }

  /** It has ended: whatever still comes for it is late. */
  remove(binding: Binding): void {
    this.#bindings.delete(binding.id)
    binding.parent?.nested?.delete(binding)
  }

  get(id: number): Binding | undefined {
    return this.#bindings.get(id)
  }

  /** An id for a binding of ours. */
  newId(): number {
    const id = this.#nextId
    this.#nextId += 2
    return id
  }

  /** @throws Violation when the peer may not choose this id, or no longer */
  usePeerId(id: number): void {
    if (this.isOurs(id) || id <= this.#lastPeerId) {
      throw new Violation(CODE.protocol, `the id ${id} is not a new one of the peer`)
    }
    this.#lastPeerId = id
  }

  isOurs(id: number): boolean {
    return (id & 1) === (this.#nextId & 1)
  }

  /**
   * The binding that a frame of the peer is about; `undefined` when it has ended.
   *
   * @throws Violation when nobody has chosen the id yet
   */
  lookUp(id: number): Binding | undefined {
    const binding = this.#bindings.get(id)
    if (binding !== undefined) return binding
    if (this.isOurs(id) ? id < this.#nextId : id <= this.#lastPeerId) return undefined
    throw new Violation(CODE.protocol, `a frame of binding ${id}, which nobody made`)
  }
}
