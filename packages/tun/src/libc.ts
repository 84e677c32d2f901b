import { createRequire } from 'node:module'
import { TunUnavailableError } from './errors.ts'

/** The calls of the C library that Node does not offer. Results below 0 are failures, see `errno`. */
export interface Libc {
  /** `ioctl` with a pointer. */
  ioctlPointer(fd: number, request: number, argument: Uint8Array): number
  /** `ioctl` with a number. */
  ioctlNumber(fd: number, request: number, argument: number): number
  /** Reads one packet into the front of `into`. */
  read(fd: number, into: Uint8Array, size: number): number
  /** Writes one packet. */
  write(fd: number, from: Uint8Array, size: number): number
  /** Waits in a thread of the pool until `fd` is readable, has failed, or `ms` have passed. */
  pollIn(fd: number, ms: number, done: (revents: number) => void): void
  /** Why the last call failed. */
  errno(): number
}

/** Errors that are told apart (Linux, all architectures that koffi has). */
export const ERRNO = { EPERM: 1, EBUSY: 16, EBADFD: 77 } as const

const POLLIN = 1

interface ForeignFunction {
  (...args: readonly unknown[]): number
  async(...args: readonly unknown[]): void
}

interface Koffi {
  load(library: string): { func(prototype: string): ForeignFunction }
  errno(): number
}

let loaded: Libc | undefined

/**
 * Loads the C library through `koffi`.
 *
 * @throws TunUnavailableError when koffi is not installed or does not run here
 */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

function load(): Libc {
  if (process.platform !== 'linux')
    throw new TunUnavailableError(
      `TUN interfaces are made on Linux only, and this is ${process.platform}`
    )
  let koffi: Koffi
  let library: ReturnType<Koffi['load']>
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi
    library = loadFirst(koffi, ['libc.so.6', 'libc.so', `libc.musl-${muslArch()}.so.1`])
  } catch (cause) {
    throw new TunUnavailableError(
      'the optional package koffi, by which the C library is called, cannot be loaded: npm install koffi',
      { cause }
    )
  }
  const ioctlPointer = library.func('int ioctl(int fd, unsigned long request, void *argument)')
  const ioctlNumber = library.func('int ioctl(int fd, unsigned long request, unsigned long value)')
  const read = library.func('intptr_t read(int fd, void *buffer, size_t size)')
  const write = library.func('intptr_t write(int fd, const void *buffer, size_t size)')
  const poll = library.func('int poll(void *fds, unsigned long count, int timeout)')
  return {
    ioctlPointer,
    ioctlNumber,
    read,
    write,
    pollIn: (fd, ms, done) => {
      // struct pollfd { int fd; short events; short revents }; the closure keeps it alive.
      const entry = new DataView(new ArrayBuffer(8))
      entry.setInt32(0, fd, true)
      entry.setInt16(4, POLLIN, true)
      poll.async(new Uint8Array(entry.buffer), 1, ms, () => done(entry.getInt16(6, true)))
    },
    errno: () => koffi.errno()
  }
}

function loadFirst(koffi: Koffi, names: readonly string[]): ReturnType<Koffi['load']> {
  let failure: unknown
  for (const name of names) {
    try {
      return koffi.load(name)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function muslArch(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64'
}
