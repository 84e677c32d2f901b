/**
 * libp2p's stream muxer yamux (`/yamux/1.0.0`) with credit on read: a reader that does not read
 * stalls its sender, and every byte and frame that a peer can make us hold has a limit.
 */
export type { YamuxOptions } from './options.ts'
export {
  YamuxFloodError,
  YamuxGoAwayError,
  YamuxKeepAliveError,
  YamuxOptionError,
  YamuxProtocolError,
  YamuxResourceLimitError
} from './errors.ts'
export { yamux } from './yamux.ts'
