import { closeSync } from 'node:fs'
import type { Link, LinkCapabilities, LinkReceiver, LinkStats } from '@warren/netstack'
import { HEADROOM, PacketBatch } from '@warren/netstack'
import { TunInterfaceError } from './errors.ts'
import { ERRNO, libc } from './libc.ts'
import type { TunDevice } from './tun-device.ts'
import type { TunReader } from './tun-reader.ts'
import { pipeReader, pollReader } from './tun-reader.ts'
import { VIRTIO_HEADER, commitWithVirtioHeader, writeVirtioHeader } from './virtio-header.ts'

/** Largest packet that the kernel hands over with segmentation offload. */
const MAX_SEGMENTED = 65535

/** Packets, and bytes, handed to the stack in one call at most. */
const BATCH_PACKETS = 128
const BATCH_BYTES = 1024 * 1024

/** A {@link Link} over a TUN descriptor. */
export class TunLink implements Link {
  readonly mtu: number
  readonly capabilities: LinkCapabilities
  readonly #name: string
  readonly #fd: number
  readonly #offload: boolean
  readonly #how: 'pipe' | 'poll'
  readonly #libc = libc()
  readonly #batch: PacketBatch
  readonly #maxPacket: number
  readonly #counts = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    dropped: 0
  }
  #reader: TunReader | undefined
  #receiver: LinkReceiver | undefined
  #closed = false

  constructor(device: TunDevice, mtu: number, offload: boolean, how: 'pipe' | 'poll') {
    this.mtu = mtu
    this.capabilities = { checksum: offload, segmentation: offload ? MAX_SEGMENTED : 0 }
    this.#name = device.name
    this.#fd = device.fd
    this.#offload = offload
    this.#how = how
    this.#maxPacket = offload ? MAX_SEGMENTED : mtu
    this.#batch = new PacketBatch(BATCH_PACKETS, BATCH_BYTES)
  }

  get stats(): LinkStats {
    return { ...this.#counts }
  }

  start(receiver: LinkReceiver): void {
    this.#receiver = receiver
    const events = {
      onReadable: (first?: Uint8Array) => this.#drain(first),
      onFailed: (error: Error) => this.#failed(error)
    }
    const size = HEADROOM + this.#maxPacket
    this.#reader = this.#how === 'pipe' ? pipeReader(this.#fd, size, events) : undefined
    this.#reader ??= pollReader(this.#fd, this.#libc, events, () => closeSync(this.#fd))
  }

  send(batch: PacketBatch): void {
    if (this.#closed) {
      this.#counts.dropped += batch.count
      return
    }
    const before = this.#offload ? VIRTIO_HEADER : 0
    for (let i = 0; i < batch.count; i++) {
      if (this.#offload) writeVirtioHeader(batch, i)
      const at = (batch.offset[i] ?? 0) - before
      const length = (batch.length[i] ?? 0) + before
      const written = this.#libc.write(this.#fd, batch.bytes.subarray(at, at + length), length)
      if (written === length) {
        this.#counts.packetsSent++
        this.#counts.bytesSent += length - before
      } else this.#counts.dropped++
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#reader === undefined) closeSync(this.#fd)
    else this.#reader.close()
  }

  /** Reads what waits, one batch at a time, until there is nothing or the batch is full. */
  #drain(first?: Uint8Array): void {
    const batch = this.#batch
    const before = this.#offload ? VIRTIO_HEADER : 0
    batch.clear()
    if (first !== undefined) {
      const at = batch.reserve(first.length)
      batch.bytes.set(first, at - before)
      this.#commit(at, first.length)
    }
    for (;;) {
      const at = batch.reserve(this.#maxPacket)
      if (at < 0) break
      const size = this.#maxPacket + before
      const from = at - before
      const length = this.#libc.read(this.#fd, batch.bytes.subarray(from, from + size), size)
      if (length <= 0) {
        if (length < 0 && this.#libc.errno() === ERRNO.EBADFD)
          this.#failed(new Error('the interface was deleted'))
        break
      }
      this.#commit(at, length)
    }
    if (batch.count > 0 && !this.#closed) this.#receiver?.onPackets(batch)
  }

  #commit(at: number, length: number): void {
    if (this.#offload) {
      if (length <= VIRTIO_HEADER) return
      commitWithVirtioHeader(this.#batch, at, length)
    } else this.#batch.commit(length)
    this.#counts.packetsReceived++
    this.#counts.bytesReceived += this.#offload ? length - VIRTIO_HEADER : length
  }

  #failed(cause: Error): void {
    if (this.#closed) return
    this.close()
    this.#receiver?.onLinkClosed(
      new TunInterfaceError(`the interface ${this.#name} has ended: ${cause.message}`, { cause })
    )
  }
}
