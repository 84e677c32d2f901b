/** Options of a listener, as `EventTarget` takes them. */
export type ListenerOptions =
  | boolean
  | {
      readonly once?: boolean
      readonly capture?: boolean
      readonly passive?: boolean
      readonly signal?: AbortSignal
    }

/** A listener, as `EventTarget` takes it. */
export type Listener<E> = ((event: E) => void) | { handleEvent(event: E): void }

interface Entry {
  readonly type: string
  readonly listener: Listener<Event>
  readonly once: boolean
  /** Takes our listener off the signal that ends this one. */
  readonly offSignal: (() => void) | undefined
  removed: boolean
}

/**
 * Typed events for objects of which there are many: streams and connections.
 *
 * It does what `TypedEventEmitter` of `main-event` does for a target without parents, but takes no
 * memory before the first listener and little for each: a native `EventTarget` with its maps,
 * wrappers and listener objects takes 2 KB for three listeners, and six times as long to tell them.
 *
 * Differences: events have no `target`, and a listener's `capture` makes no difference.
 */
export class EventEmitter<Events extends object> {
  #entries: Entry[] | undefined
  /** How many dispatches walk `#entries` now: it must not change under them. */
  #walks = 0

  listenerCount(type: string): number {
    if (this.#entries === undefined) return 0
    let count = 0
    for (const entry of this.#entries) if (entry.type === type) count++
    return count
  }

  addEventListener<K extends keyof Events>(
    type: K,
    listener: Listener<Events[K]> | null,
    options?: ListenerOptions
  ): void
  addEventListener(type: string, listener: Listener<Event> | null, options?: ListenerOptions): void
  addEventListener(
    type: string,
    listener: Listener<Event> | null,
    options?: ListenerOptions
  ): void {
    if (listener === null) return
    const entries = this.#entries ?? []
    if (entries.some(entry => entry.type === type && entry.listener === listener)) return
    const { once = false, signal } = typeof options === 'object' ? options : {}
    if (signal?.aborted === true) return
    let offSignal: (() => void) | undefined
    if (signal !== undefined) {
      const off = (): void => this.#remove(type, listener)
      signal.addEventListener('abort', off, { once: true })
      offSignal = () => signal.removeEventListener('abort', off)
    }
    const entry: Entry = { type, listener, once, offSignal, removed: false }
    // A short list is copied in any case: one that grows by `push` has room for sixteen more.
    if (this.#walks > 0 || entries.length < 8) this.#entries = [...entries, entry]
    else entries.push(entry)
  }

  removeEventListener<K extends keyof Events>(
    type: K,
    listener?: Listener<Events[K]> | null,
    options?: ListenerOptions
  ): void
  removeEventListener(
    type: string,
    listener?: Listener<Event> | null,
    options?: ListenerOptions
  ): void
  removeEventListener(type: string, listener?: Listener<Event> | null): void {
    if (listener !== undefined && listener !== null) this.#remove(type, listener)
  }

  /** Calls the listeners in order; one that throws is reported as uncaught and stops no other. */
  dispatchEvent(event: Event): boolean {
    const entries = this.#entries
    if (entries === undefined) return true
    const { type } = event
    // Listeners that are added meanwhile are not called: they are in another array.
    this.#walks++
    for (const entry of entries) {
      if (entry.type !== type || entry.removed) continue
      const { listener } = entry
      if (entry.once) this.#remove(type, listener)
      try {
        if (typeof listener === 'function') listener.call(this, event)
        else listener.handleEvent(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    this.#walks--
    return !event.defaultPrevented
  }

  /** Dispatches an event with `detail`, if anybody listens. */
  safeDispatchEvent<Detail>(
    type: keyof Events,
    detail: { readonly detail?: Detail } = {}
  ): boolean {
    if (this.#entries === undefined) return true
    return this.dispatchEvent(new CustomEvent<Detail>(type as string, detail))
  }

  #remove(type: string, listener: Listener<Event>): void {
    const entries = this.#entries ?? []
    const at = entries.findIndex(entry => entry.type === type && entry.listener === listener)
    const entry = entries[at]
    if (entry === undefined) return
    entry.removed = true
    entry.offSignal?.()
    if (entries.length === 1) this.#entries = undefined
    else if (this.#walks > 0) this.#entries = entries.filter(each => each !== entry)
    else entries.splice(at, 1)
  }
}
