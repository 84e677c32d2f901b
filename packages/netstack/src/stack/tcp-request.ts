import type { TcpSocket } from '../socket/tcp-socket.ts'
import { formatAddress } from './address.ts'
import type { PendingSyn } from './pending-syns.ts'

/** How a request reaches its stack. */
export interface TcpRequestHost {
  accept(pending: PendingSyn): TcpSocket | undefined
  reject(pending: PendingSyn, how: TcpRejection): void
}

/** How a SYN is turned down: by RST, by an ICMP error, or by silence. */
export type TcpRejection =
  | 'reset'
  | 'host-unreachable'
  | 'network-unreachable'
  | 'prohibited'
  | 'drop'

/**
 * A SYN that waits for our decision, for any address: nothing has been answered yet. So whoever
 * forwards connects onwards first, and answers as that went.
 */
export class TcpRequest {
  /** What the SYN was for. */
  readonly localAddress: string
  readonly localPort: number
  /** Where it came from. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #pending: PendingSyn
  readonly #host: TcpRequestHost

  /** Made by the stack for the handler of `Stack.forwardTcp`. */
  constructor(pending: PendingSyn, host: TcpRequestHost) {
    this.#pending = pending
    this.#host = host
    this.localAddress = formatAddress(pending.local)
    this.localPort = pending.localPort
    this.remoteAddress = formatAddress(pending.remote)
    this.remotePort = pending.remotePort
  }

  /**
   * Completes the handshake.
   *
   * @returns the socket, not connected yet; `undefined` when the request was decided before, has
   * timed out, or the stack holds as many connections as it may
   */
  accept(): TcpSocket | undefined {
    return this.#host.accept(this.#pending)
  }

  /** Turns it down. Does nothing when it was decided before. */
  reject(how: TcpRejection = 'reset'): void {
    this.#host.reject(this.#pending, how)
  }
}
