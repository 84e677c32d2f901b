/** Default of every option of `dhtDirectory` that has one; times in milliseconds. */
export const DHT_DEFAULTS = {
  provideInterval: 600_000,
  provideTimeout: 60_000,
  parallelProvides: 4,
  maxProviders: 16
} as const
