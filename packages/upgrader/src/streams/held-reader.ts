import type { Stream, StreamMessageEvent } from '@libp2p/interface'

type Bytes = StreamMessageEvent['data']
type AddListener = Stream['addEventListener']
type Listening = Parameters<AddListener>

/**
 * Reads the first bytes of a stream while whoever has the stream may already read it: their
 * `message` listeners, iterators, `pause` and `resume` are kept back until {@link HeldReader.release},
 * and then find the stream as if nothing had been read. Afterwards the stream is as it was made; it
 * costs nothing any more.
 */
export class HeldReader {
  readonly #stream: Stream
  readonly #listening: Listening[] = []
  readonly #released = Promise.withResolvers<void>()
  readonly #onMessage: (event: StreamMessageEvent) => void
  /** What stands in the place of the stream's own methods meanwhile. */
  readonly #own: object
  /** What the stream itself, and not its class, had of these. */
  readonly #before = new Map<string | symbol, PropertyDescriptor | undefined>()
  #paused = false
  #held = true

  constructor(stream: Stream, read: (bytes: Uint8Array) => void) {
    this.#stream = stream
    this.#released.promise.catch(() => {})
    this.#onMessage = ({ data }) => read(plain(data))
    stream.addEventListener('message', this.#onMessage)
    this.#own = {
      addEventListener: (...args: Listening): void => this.#add(args),
      removeEventListener: (...args: Listening): void => this.#remove(args),
      pause: (): void => {
        this.#paused = true
      },
      resume: (): void => {
        this.#paused = false
      },
      [Symbol.asyncIterator]: () => this.#iterate()
    }
    for (const key of Reflect.ownKeys(this.#own)) {
      const value: unknown = Reflect.get(this.#own, key)
      this.#before.set(key, Object.getOwnPropertyDescriptor(stream, key))
      Object.defineProperty(stream, key, { configurable: true, writable: true, value })
    }
  }

  /** Lets the others read: first `rest`, then what comes. */
  release(rest: Uint8Array): void {
    if (!this.#held) return
    this.#restore()
    if (this.#paused) this.#stream.pause()
    // Before anybody listens, so that what came in one piece with it stays behind it.
    if (rest.length > 0) this.#stream.unshift(rest)
    for (const args of this.#listening) this.#stream.addEventListener(...args)
    this.#released.resolve()
  }

  /** Ends the waits of the others with an error; the stream itself is the caller's to abort. */
  fail(error: Error): void {
    if (!this.#held) return
    this.#restore()
    for (const args of this.#listening) this.#stream.addEventListener(...args)
    this.#released.reject(error)
  }

  #restore(): void {
    this.#held = false
    for (const key of Reflect.ownKeys(this.#own)) {
      const value: unknown = Object.getOwnPropertyDescriptor(this.#stream, key)?.value
      // Who has put another in its place meanwhile keeps that.
      if (value !== Reflect.get(this.#own, key)) continue
      const before = this.#before.get(key)
      if (before === undefined) Reflect.deleteProperty(this.#stream, key)
      else Object.defineProperty(this.#stream, key, before)
    }
    this.#stream.removeEventListener('message', this.#onMessage)
  }

  #add(args: Listening): void {
    if (args[0] === 'message') this.#listening.push(args)
    else this.#prototype('addEventListener', args)
  }

  #remove(args: Listening): void {
    if (args[0] !== 'message') {
      this.#prototype('removeEventListener', args)
      return
    }
    const at = this.#listening.findIndex(([, listener]) => listener === args[1])
    if (at >= 0) this.#listening.splice(at, 1)
  }

  /** The method of the stream's own class, which ours hide. */
  #prototype(name: 'addEventListener' | 'removeEventListener', args: Listening): void {
    const method: unknown = Reflect.get(Object.getPrototypeOf(this.#stream) as object, name)
    if (typeof method === 'function') Reflect.apply(method, this.#stream, args)
  }

  async *#iterate(): AsyncGenerator<Bytes, void, undefined> {
    await this.#released.promise
    yield* this.#stream
  }
}

function plain(data: Bytes): Uint8Array {
  return data instanceof Uint8Array ? data : data.subarray()
}
