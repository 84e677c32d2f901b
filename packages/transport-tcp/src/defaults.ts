/** Defaults of {@link TcpOptions}; the README's table is compared with them. */
export const DEFAULTS = {
  connectTimeout: 5_000,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
  inactivityTimeout: 120_000,
  lingerTimeout: 5_000,
  writeStallTimeout: 10_000,
  maxWriteBufferLength: 4_194_304,
  maxReadBufferLength: 4_194_304,
  backlog: 511,
  reusePort: false,
  maxWaitingSockets: 1_024,
  waitTimeout: 30_000,
  unixMode: 0o600
} as const
