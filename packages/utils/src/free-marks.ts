/** Buffers below this are left to the garbage collector: marking them costs more than they do. */
const MIN_BYTES = 16_384

/**
 * Marks on large buffers whose last holder may free them at once.
 *
 * At a gigabyte per second, dead buffers make the garbage collector run a full collection dozens of
 * times per second, which costs a third of the CPU. A layer that knows that nobody else holds a buffer
 * says so by a mark; the layer that uses it last may then free it. A mark is on one array object:
 * a copy, or a `subarray`, has none. Freeing is never a duty, and a layer that does not know of
 * marks loses nothing.
 */
export class FreeMarks {
  readonly #marked = new WeakSet<Uint8Array>()

  /** Marks `bytes`, if they are all of a buffer of 16 KiB or more. Gives `bytes` back. */
  mark<T extends Uint8Array>(bytes: T): T {
    if (bytes.byteLength >= MIN_BYTES && bytes.byteLength === bytes.buffer.byteLength) {
      this.#marked.add(bytes)
    }
    return bytes
  }

  /** Whether `bytes` are marked. */
  has(bytes: Uint8Array): boolean {
    return bytes.byteLength >= MIN_BYTES && this.#marked.has(bytes)
  }

  /**
   * Moves the mark of `bytes` to `view`, a part of the same buffer, if there is one. For a layer
   * that hands on `view` and has no use for the rest.
   */
  move(bytes: Uint8Array, view: Uint8Array): void {
    if (view.byteLength >= MIN_BYTES && this.#marked.delete(bytes)) this.#marked.add(view)
  }

  /** Takes the mark off `bytes`: somebody will keep them. */
  unmark(bytes: Uint8Array): void {
    this.#marked.delete(bytes)
  }

  /**
   * Frees the whole buffer of `bytes` now, if they are marked; they have length 0 afterwards. No
   * operation on the buffer may be under way.
   */
  free(bytes: Uint8Array): void {
    if (bytes.byteLength >= MIN_BYTES && this.#marked.delete(bytes)) freeBuffer(bytes)
  }
}

/**
 * Chunks of a 'message' event that nobody but its receiver holds. The receiver may free them when it
 * has read them, in a microtask at the earliest, because the event may have other listeners.
 */
export const receivedChunks = new FreeMarks()

/**
 * Chunks given to `send` that the sender will not touch again: free as soon as they are written or
 * encrypted. Not for a sender that keeps what it sent, to send it once more.
 */
export const sentChunks = new FreeMarks()

/** Frees the buffer of `bytes`, which the caller has made and nobody else has seen. */
export function freeBuffer(bytes: Uint8Array): void {
  const { buffer } = bytes
  // Missing in older browsers, where the collector has to do.
  if (buffer instanceof ArrayBuffer) buffer.transfer?.(0)
}
