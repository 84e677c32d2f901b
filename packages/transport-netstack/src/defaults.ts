/** Defaults of {@link NetstackOptions}; the README's table is compared with them. */
export const DEFAULTS = {
  mtu: 1_420,
  offload: true,
  connectTimeout: 5_000,
  keepAlive: 20_000,
  userTimeout: 60_000,
  lingerTimeout: 5_000,
  congestion: 'cubic',
  sendBuffer: 4_194_304,
  maxReceiveBuffer: 8_388_608,
  maxAssociations: 4_096,
  maxAssociationsPerAddress: 256,
  idleTimeout: 15_000
} as const
