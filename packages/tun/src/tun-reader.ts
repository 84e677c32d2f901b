import { Socket, type SocketConstructorOpts, connect } from 'node:net'
import type { Libc } from './libc.ts'

/** Tells when packets can be read. */
export interface TunReader {
  /** Ends it, and closes the descriptor. Idempotent. */
  close(): void
}

/** What a reader tells. */
export interface TunReaderEvents {
  /**
   * Packets wait in the descriptor: read until there are none.
   *
   * @param first - a packet that was read already; valid for the length of the call
   */
  onReadable(first?: Uint8Array): void
  /** The descriptor has failed: nothing can be read any more. */
  onFailed(error: Error): void
}

/** The part of libuv's pipe handle that is used. */
interface PipeHandle {
  open(fd: number): number
  close(): void
}

/**
 * Has Node's event loop watch the descriptor, as a libuv pipe: no thread, and one wake-up for all
 * packets that wait. libuv reads the first packet itself; the rest is drained with `read`.
 *
 * Node has no public way to make such a handle. The constructor is taken from one that it made, and
 * the socket takes a handle by an option that is older than its documentation.
 *
 * @returns `undefined` when this Node does not allow it; the descriptor is untouched then
 */
export function pipeReader(
  fd: number,
  size: number,
  events: TunReaderEvents
): TunReader | undefined {
  const handle = newPipe()
  if (handle === undefined) return undefined
  let status: number
  try {
    status = handle.open(fd)
  } catch {
    status = -1
  }
  if (status !== 0) {
    handle.close()
    return undefined
  }
  const buffer = new Uint8Array(size)
  const options = {
    handle,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback: (length: number): boolean => {
        events.onReadable(buffer.subarray(0, length))
        return true
      }
    }
  }
  const socket = new Socket(options as unknown as SocketConstructorOpts)
  let closed = false
  socket.on('error', error => {
    if (!closed) events.onFailed(error)
  })
  socket.on('end', () => {
    if (!closed) events.onFailed(new Error('the descriptor is at its end'))
  })
  socket.resume()
  return {
    close: () => {
      closed = true
      socket.destroy()
    }
  }
}

function newPipe(): PipeHandle | undefined {
  // A connection to a name that nobody can have; it is given up before the answer arrives.
  const probe = connect('\0')
  probe.on('error', () => {})
  const handle: unknown = Reflect.get(probe, '_handle')
  probe.destroy()
  if (typeof handle !== 'object' || handle === null) return undefined
  const Pipe = handle.constructor as new (type: number) => PipeHandle
  const SOCKET = 0
  try {
    const pipe = new Pipe(SOCKET)
    return typeof pipe.open === 'function' ? pipe : undefined
  } catch {
    return undefined
  }
}

/** How long one wait in the thread pool lasts, in ms: so long a closed reader keeps its thread. */
const POLL_MS = 200

const POLLIN = 1

/** Has a thread of the pool wait for the descriptor. */
export function pollReader(
  fd: number,
  c: Libc,
  events: TunReaderEvents,
  closeFd: () => void
): TunReader {
  let closed = false
  const wait = (): void =>
    c.pollIn(fd, POLL_MS, revents => {
      if (closed) {
        closeFd()
        return
      }
      if ((revents & POLLIN) !== 0) events.onReadable()
      else if (revents !== 0) events.onFailed(new Error(`poll() reports ${revents}`))
      if (closed) closeFd()
      else wait()
    })
  wait()
  return {
    close: () => {
      closed = true
    }
  }
}
