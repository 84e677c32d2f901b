import net from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MessageStream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { SendResult } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { Journal } from './journal.ts'

/** What an attacker does with the bytes of one `send`: the pieces that go to the socket instead. */
export type Tamper = (bytes: Uint8Array) => Uint8Array[]

/**
 * A TCP socket as a libp2p multiaddr conn without any of a node's care: for attackers, who change
 * what leaves, send what they like in between, and stop reading when they like.
 */
export class SocketStream extends AbstractMultiaddrConnection {
  readonly socket: net.Socket
  tamper: Tamper = bytes => [bytes]
  /** Resolves with `reset` or `closed` when the other side has ended the connection. */
  readonly over: Promise<'closed' | 'reset'>

  constructor(socket: net.Socket) {
    super({
      remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'),
      direction: 'outbound',
      log: new Journal().forComponent('attacker'),
      maxReadBufferLength: 64 * 1024 * 1024
    })
    this.socket = socket
    const { promise, resolve } = Promise.withResolvers<'closed' | 'reset'>()
    this.over = promise
    let reset = false
    socket.on('data', data => this.onData(data))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', () => {
      reset = true
    })
    socket.on('end', () => resolve('closed'))
    socket.on('close', () => {
      resolve(reset ? 'reset' : 'closed')
      this.onTransportClosed()
    })
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<SocketStream> {
    const socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true })
    const stream = new SocketStream(socket)
    await once(socket, 'connect')
    return stream
  }

  override sendData(data: Parameters<MessageStream['send']>[0]): SendResult {
    let canSendMore = true
    for (const piece of this.tamper(data.subarray())) canSendMore = this.socket.write(piece)
    return { sentBytes: data.byteLength, canSendMore }
  }

  override sendReset(): void {
    this.socket.resetAndDestroy()
  }

  override async sendClose(): Promise<void> {
    this.socket.end()
  }

  override sendPause(): void {
    this.socket.pause()
  }

  override sendResume(): void {
    this.socket.resume()
  }

  /** Resolves when the victim has ended the connection, which it does within `ms`. */
  async ended(ms = 15_000): Promise<'closed' | 'reset'> {
    if (!this.socket.destroyed) this.socket.resume()
    const limit = new AbortController()
    const late = sleep(ms, 'late' as const, { signal: limit.signal }).catch(() => 'late' as const)
    const how = await Promise.race([this.over, late])
    limit.abort()
    if (how === 'late') throw new Error(`the victim did not end the connection within ${ms} ms`)
    return how
  }

  /**
   * Resolves when the socket takes more, when it has ended, or after 10 s: a peer that reads nothing
   * learns of its end only by a write that fails, and the victim may have stopped reading too.
   */
  async drained(): Promise<void> {
    const { socket } = this
    if (socket.destroyed || !socket.writableNeedDrain) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        socket.off('drain', done).off('close', done).off('end', done)
        resolve()
      }
      const timer = setTimeout(done, 10_000)
      socket.on('drain', done).on('close', done).on('end', done)
    })
  }

  /** Hangs up. */
  hangUp(): void {
    this.socket.destroy()
  }

  [Symbol.dispose](): void {
    this.hangUp()
  }
}
