/**
 * TUN interfaces of Linux as links of `@warren/netstack`: what the kernel routes into the interface
 * arrives at a stack in this process, and the other way round.
 */
export { TunInterfaceError, TunOptionError, TunUnavailableError } from './errors.ts'
export type { TunOptions } from './options.ts'
export { openTun } from './tun.ts'
export type { Tun } from './tun.ts'
