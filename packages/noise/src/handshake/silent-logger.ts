import type { Logger } from '@libp2p/interface'

/**
 * Says nothing. The library gets it, because it can be told by an environment variable to log a
 * handshake's keys.
 */
export const silentLogger: Logger = Object.assign((): void => {}, {
  enabled: false,
  error: (): void => {},
  trace: (): void => {},
  newScope: (): Logger => silentLogger
})
