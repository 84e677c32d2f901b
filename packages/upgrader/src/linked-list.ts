/** A place in a {@link LinkedList}; given back by `push`, taken by `remove`. */
export interface ListNode<T> {
  readonly value: T
  /** The list that holds it now, if any. */
  list: LinkedList<T> | undefined
  previous: ListNode<T> | undefined
  next: ListNode<T> | undefined
}

/** A first-in-first-out list whose members can also leave from the middle; every step is O(1). */
export class LinkedList<T> implements Iterable<T> {
  #head: ListNode<T> | undefined
  #tail: ListNode<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#head?.value
  }

  push(value: T): ListNode<T> {
    const node: ListNode<T> = { value, list: this, previous: this.#tail, next: undefined }
    if (this.#tail === undefined) this.#head = node
    else this.#tail.next = node
    this.#tail = node
    this.#size++
    return node
  }

  shift(): T | undefined {
    const head = this.#head
    if (head === undefined) return undefined
    this.remove(head)
    return head.value
  }

  /** Takes a node out; `false` when it is not in this list (any more). */
  remove(node: ListNode<T>): boolean {
    if (node.list !== this) return false
    if (node.previous === undefined) this.#head = node.next
    else node.previous.next = node.next
    if (node.next === undefined) this.#tail = node.previous
    else node.next.previous = node.previous
    node.list = undefined
    node.previous = undefined
    node.next = undefined
    this.#size--
    return true
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let node = this.#head; node !== undefined; node = node.next) yield node.value
  }
}
