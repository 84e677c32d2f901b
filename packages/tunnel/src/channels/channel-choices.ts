import { PeerGate } from '../auth/peer-gate.ts'
import { InvalidTunnelOptionError, ModeNotSupportedError } from '../errors.ts'
import { publishOptions } from '../modes/publish-options.ts'
import type { PublishChoice } from '../modes/publish-options.ts'
import type { Mode } from '../session/session-types.ts'
import type { DialOptions, ListenOptions } from '../tunnel-types.ts'
import type { ChannelListenerInit } from './channel-listener.ts'

const MODES: readonly Mode[] = ['unicast', 'multicast', 'broadcast']

/** What a caller wants of a listener, with the defaults. */
export type ListenChoice = Pick<
  ChannelListenerInit,
  'mode' | 'bytes' | 'seal' | 'readTimeout' | 'gate' | 'signal'
>

/** What a listener and a dial take from the options of the tunnel. */
export interface ChannelDefaults {
  readonly seal: boolean
  readonly dialTimeout: number
}

/** @throws {InvalidTunnelOptionError}, {ModeNotSupportedError} */
export function listenChoice(options: ListenOptions, defaults: ChannelDefaults): ListenChoice {
  const { mode = 'unicast', bytes = false, readTimeout, peers, signal } = options
  checkMode(mode, bytes)
  if (readTimeout !== undefined && !(readTimeout > 0)) {
    throw new InvalidTunnelOptionError(`readTimeout is ${readTimeout}: use milliseconds above 0`)
  }
  const { seal = defaults.seal } = options
  return { mode, bytes, seal, readTimeout, gate: new PeerGate(peers), signal }
}

/** @throws {InvalidTunnelOptionError}, {ModeNotSupportedError} */
export function dialChoice(options: DialOptions & PublishChoice, defaults: ChannelDefaults) {
  const { mode = 'unicast', bytes = false, link, peer, wait = true } = options
  const { timeout = defaults.dialTimeout, seal = defaults.seal } = options
  checkMode(mode, bytes)
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new InvalidTunnelOptionError(`timeout is ${timeout}: use milliseconds above 0`)
  }
  return {
    mode,
    timeout,
    /** How a group publishes. */
    publishing: publishOptions(options),
    request: { bytes, link, peer: peer?.toString(), wait, seal }
  }
}

function checkMode(mode: Mode, bytes: boolean): void {
  if (!MODES.includes(mode)) {
    throw new InvalidTunnelOptionError(`${String(mode)} is no mode: use ${MODES.join(', ')}`)
  }
  if (bytes && mode !== 'unicast') {
    throw new ModeNotSupportedError(
      `mode ${mode} carries messages, which can be left out one by one; bytes only go in unicast`
    )
  }
}
