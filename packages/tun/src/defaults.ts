/** Defaults of the options of `openTun()`. */
export const DEFAULTS = {
  name: 'warren%d',
  mtu: 1500,
  addresses: [],
  offload: true,
  queueLength: 1000,
  device: '/dev/net/tun',
  reader: 'pipe'
} as const
