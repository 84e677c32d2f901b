/** Defaults of every option of `share` and `open`; times in milliseconds. */
export const DEFAULTS = {
  pool: 'warm',
  minIdle: 2,
  maxIdle: 60_000,
  maxConnections: 4_096,
  maxWaiters: 1_024,
  waitTimeout: 10_000,
  connectTimeout: 5_000,
  reuseAfter: 250,
  dialTimeout: 5_000,
  idleTimeout: 0,
  closeTimeout: 5_000
} as const
