export type {
  ByteSession,
  Message,
  Mode,
  Session,
  SessionBase,
  SessionStats
} from './session/session-types.ts'
export type {
  DialOptions,
  Link,
  LinkState,
  Listener,
  ListenOptions,
  Tunnel,
  TunnelEvents,
  TunnelStatus
} from './tunnel-types.ts'
