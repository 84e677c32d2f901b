/** Exit codes of the command, as `sysexits.h`, `timeout(1)` and shells number them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unavailable: 69,
  temporary: 75,
  denied: 77,
  config: 78,
  timeout: 124,
  interrupted: 130,
  terminated: 143
} as const

/** Name of an exit code. */
export type ExitName = keyof typeof EXIT

/** What each exit code means; `warren help exit-codes` and the documents print this. */
export const EXIT_MEANING: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  failure: 'failed in a way that no other code says; the message tells',
  usage: 'the command line was not understood: unknown command or option, wrong argument',
  unavailable:
    'something that is needed is not there: peer unreachable, channel or name unknown, target refused, port in use',
  temporary: 'a limit was reached or a resource is busy; the same command may work later',
  denied: 'wrong token, or a ticket that is wrong, expired, revoked or used up',
  config: 'state directory, key, token or ticket file cannot be used as it is',
  timeout: 'no answer within --timeout',
  interrupted: 'ended by Ctrl-C (SIGINT)',
  terminated: 'ended by SIGTERM or SIGHUP'
}

/** Which exit code an error code leads to; every other one leads to 1. */
export const EXIT_OF: Readonly<Record<string, ExitName>> = {
  // The command line.
  ERR_USAGE: 'usage',
  ERR_NODE_OPTIONS: 'usage',
  ERR_ADDRESS_INVALID: 'usage',
  ERR_ADDRESS_UNSUPPORTED: 'usage',
  ERR_UNIX_PATH: 'usage',
  ERR_INVALID_CHANNEL: 'usage',
  ERR_DIAL_TARGET: 'usage',
  ERR_DIAL_SELF: 'usage',
  ERR_NO_TRANSPORT: 'usage',

  // Something is not there.
  ERR_NAME_UNKNOWN: 'unavailable',
  ERR_PEER_UNREACHABLE: 'unavailable',
  ERR_DIAL: 'unavailable',
  ERR_NO_LINK: 'unavailable',
  ERR_CHANNEL_UNKNOWN: 'unavailable',
  ERR_CHANNEL_NOT_FOUND: 'unavailable',
  ERR_TARGET_REFUSED: 'unavailable',
  ERR_TARGET_UNREACHABLE: 'unavailable',
  ERR_LISTEN: 'unavailable',
  ERR_LISTEN_ADDRESS_IN_USE: 'unavailable',
  ERR_LISTEN_FAILED: 'unavailable',
  ERR_TICKET_UNKNOWN: 'unavailable',
  ERR_WRONG_PEER: 'unavailable',
  ERR_RELAY_UNREACHABLE: 'unavailable',
  ERR_LINK_VERSION: 'unavailable',

  // It may work later.
  ERR_CONNECTION_LIMIT: 'temporary',
  ERR_LINK_LIMIT: 'temporary',
  ERR_TUNNEL_LIMIT: 'temporary',
  ERR_POOL_EXHAUSTED: 'temporary',
  ERR_TOO_MANY_CONNECTIONS: 'temporary',
  ERR_DIAL_QUEUE_FULL: 'temporary',
  ERR_UPGRADE_REFUSED: 'temporary',
  ERR_CONTROL: 'temporary',

  // No right to it.
  ERR_AUTHENTICATION: 'denied',
  ERR_INVALID_TICKET: 'denied',
  ERR_TICKET_EXPIRED: 'denied',
  ERR_TICKET_REVOKED: 'denied',
  ERR_TICKET_USED_UP: 'denied',
  ERR_CHANNEL_REFUSED: 'denied',
  ERR_SESSION_REVOKED: 'denied',

  // State and secrets.
  ERR_HOME: 'config',
  ERR_HOME_LOOSE: 'config',
  ERR_STATE_TOO_NEW: 'config',
  ERR_SECRET_FILE: 'config',
  ERR_INVALID_TOKEN: 'config',
  ERR_ALLOW_LIST: 'config',
  ERR_PRE_SHARED_KEY: 'config',

  // No answer.
  ERR_PEER_TIMEOUT: 'timeout',
  ERR_DIAL_TIMEOUT: 'timeout',
  ERR_CHANNEL_DIAL_TIMEOUT: 'timeout',
  ERR_LINK_TIMEOUT: 'timeout',
  ERR_TARGET_TIMEOUT: 'timeout'
}

/**
 * The exit code for an error: that of the first in its chain of causes whose code is listed, since
 * an outer error often only says which step failed.
 */
export function exitCodeOf(error: unknown): number {
  let current: unknown = error
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    const code = 'code' in current ? String(current.code) : ''
    const name = Object.hasOwn(EXIT_OF, code) ? EXIT_OF[code] : undefined
    if (name !== undefined) return EXIT[name]
    current = current.cause
  }
  return EXIT.failure
}

/** The table of exit codes as lines of text. */
export function exitCodeTable(): string {
  return Object.entries(EXIT)
    .map(([name, code]) => `${String(code).padStart(5)}  ${EXIT_MEANING[name as ExitName]}`)
    .join('\n')
}
