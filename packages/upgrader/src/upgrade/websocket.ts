import type { MultiaddrConnection } from '@libp2p/interface'

/**
 * Has an aborted conn of `@libp2p/websockets` let go of its WebSocket. That transport (10.1) aborts
 * with close code 1006, which no program may send (RFC 6455 section 7.4.1): browsers and Node throw
 * for it, the error is only logged, and the socket stays open for as long as the peer likes.
 */
export function closeWebSocketOnAbort(maConn: MultiaddrConnection): void {
  const { websocket } = maConn as { websocket?: { close?: unknown } }
  if (typeof websocket?.close !== 'function') return
  const { close } = websocket
  maConn.addEventListener(
    'close',
    () => {
      if (maConn.status === 'aborted') close.call(websocket)
    },
    { once: true }
  )
}
