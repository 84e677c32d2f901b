import type { HostLookup } from './lookup-host.ts'

/** Browsers look names up by themselves when a transport dials them. */
export const lookupHost: HostLookup = async () => undefined
