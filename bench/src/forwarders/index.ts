import { plainPipe } from './plain-pipe.ts'
import { sshAvailable, sshForward } from './ssh.ts'
import { stockForward } from './stock.ts'
import { warrenForward } from './warren.ts'

/** A running pair of forwarder processes. */
export interface Forwarder {
  /** The port on 127.0.0.1 at which the target is reached. */
  readonly port: number
  /** The forwarders' processes. */
  readonly pids: readonly number[]
  readonly stop: () => Promise<void>
}

/** Forwarders by the name that the tables show; each is given the target's port. */
export const FORWARDERS: Readonly<Record<string, (target: number) => Promise<Forwarder>>> = {
  'js-libp2p (Noise, yamux)': stockForward,
  'warren share / open': warrenForward,
  'ssh -L': sshForward,
  'node:net pipe (no encryption)': plainPipe,
  direct: async target => ({ port: target, pids: [], stop: async () => {} })
}

export { sshAvailable }
