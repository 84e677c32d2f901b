import type { ConnectionGater, PeerId, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { AddressNotDialledError, DialSelfError, NoTransportError, toError } from '../errors.ts'
import type { DialAttempt } from './dial-error.ts'
import type { DialBackoff } from './dial-backoff.ts'
import { peerOf, withoutPeer, withPeer } from './dial-target.ts'

/** What decides whether an address is dialled. */
export interface CandidateRules {
  readonly self: PeerId
  /** Where this swarm listens, to know itself by. */
  ownAddresses(): Multiaddr[]
  transportFor(address: Multiaddr): Transport | undefined
  readonly gater: ConnectionGater
  readonly backoff: DialBackoff
  /** Monotonic milliseconds. */
  now(): number
}

/** Of what the candidates are addresses. */
export interface CandidateTarget {
  readonly peer: PeerId | undefined
  /** The key of the dial in the back-off. */
  readonly key: string
  readonly ignoreBackoff: boolean
}

/** An address to dial, or why not. */
export type Candidate =
  | { readonly type: 'dial'; readonly address: Multiaddr }
  | { readonly type: 'skip'; readonly attempt: DialAttempt }

/** Decides on one resolved address: ours, another peer's, no transport, denied, or in back-off. */
export async function judgeCandidate(
  resolved: Multiaddr,
  target: CandidateTarget,
  rules: CandidateRules
): Promise<Candidate> {
  const { peer } = target
  const named = peerOf(resolved)
  if (peer !== undefined && named !== undefined && !named.equals(peer)) {
    return skip(
      resolved,
      'resolve',
      new AddressNotDialledError(`it is an address of ${named.toString()}`)
    )
  }
  const address = peer === undefined ? resolved : withPeer(resolved, peer)
  const place = withoutPeer(address)
  if (rules.self.equals(peer ?? named) || rules.ownAddresses().some(own => own.equals(place))) {
    return skip(address, 'identity', new DialSelfError('it is an address of this swarm itself'))
  }
  if (rules.transportFor(address) === undefined) {
    const why = 'no configured transport dials such an address'
    return skip(address, 'transport', new NoTransportError(why))
  }
  const denied = await deniedBy(rules.gater, address)
  if (denied !== undefined) return skip(address, 'gater', denied)
  if (!target.ignoreBackoff) {
    const wait = rules.backoff.wait(target.key, address.toString(), rules.now())
    if (wait > 0) {
      const seconds = (wait / 1000).toFixed(1)
      const why = `it failed a short while ago; dialled again in ${seconds} s, or at once with force`
      return skip(address, 'backoff', new AddressNotDialledError(why))
    }
  }
  return { type: 'dial', address }
}

/** The entry of an address that was not dialled. */
export function skip(address: Multiaddr, step: string, error: Error): Candidate {
  return { type: 'skip', attempt: { address: address.toString(), step, duration: 0, error } }
}

async function deniedBy(gater: ConnectionGater, address: Multiaddr): Promise<Error | undefined> {
  try {
    if ((await gater.denyDialMultiaddr?.(address)) !== true) return undefined
    return new AddressNotDialledError('the connection gater denies this address')
  } catch (error) {
    return toError(error)
  }
}
