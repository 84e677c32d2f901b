import { WarrenError } from '@warren/interface'

/** Thrown when an option of `yamux()` is out of its range. */
export class YamuxOptionError extends WarrenError {
  readonly code = 'ERR_YAMUX_OPTION'
}

/** Ends a connection whose peer sent a frame that the protocol does not allow. */
export class YamuxProtocolError extends WarrenError {
  readonly code = 'ERR_YAMUX_PROTOCOL'
}

/** Ends a connection whose peer passed a flood limit: control frames, resets, frames without progress. */
export class YamuxFloodError extends WarrenError {
  readonly code = 'ERR_YAMUX_FLOOD'
}

/** Ends a connection whose peer was silent for the keepalive interval and did not answer the pings after it. */
export class YamuxKeepAliveError extends WarrenError {
  readonly code = 'ERR_YAMUX_KEEPALIVE'
}

/** Ends a connection whose peer said GOAWAY with a code other than "normal". */
export class YamuxGoAwayError extends WarrenError {
  readonly code = 'ERR_YAMUX_GO_AWAY'
  /** The code that the peer sent. */
  readonly goAwayCode: number

  constructor(message: string, goAwayCode: number) {
    super(message)
    this.goAwayCode = goAwayCode
  }
}

/** Resets the stream that holds most unread bytes when its connection or the process is at its limit. */
export class YamuxResourceLimitError extends WarrenError {
  readonly code = 'ERR_YAMUX_RESOURCE_LIMIT'
}
