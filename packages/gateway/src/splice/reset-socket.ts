import type { Socket } from 'node:net'

/**
 * Ends a connection so that the program at its other end sees a failure and not a clean end: with a
 * RST. A unix socket knows no RST; there it is destroyed, which the other end sees as a reset only
 * if it had sent something that was not read.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  // A unix socket has no remote port; `resetAndDestroy` throws on it.
  if (socket.remotePort === undefined && !socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
