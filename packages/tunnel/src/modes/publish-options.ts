import { InvalidTunnelOptionError } from '../errors.ts'
import type { DialOptions, GroupDialOptions } from '../tunnel-types.ts'
import type { OverloadPolicy } from './group-types.ts'

/** What a dial may say of subscribers that are too slow. */
export type PublishChoice = Pick<GroupDialOptions, 'overload' | 'queue'>

/** Messages that may wait for one subscriber, unless the dial says otherwise. */
export const DEFAULT_QUEUE = 256

const POLICIES: readonly OverloadPolicy[] = [
  'block',
  'drop-oldest',
  'drop-newest',
  'latest',
  'error'
]

/**
 * What a dial says about subscribers that are too slow, with the defaults.
 *
 * @throws {InvalidTunnelOptionError}
 */
export function publishOptions(options: DialOptions & PublishChoice): {
  readonly overload: OverloadPolicy
  readonly queue: number
} {
  const { mode = 'unicast', overload, queue = DEFAULT_QUEUE } = options
  if (mode === 'unicast' && (overload ?? options.queue) !== undefined) {
    throw new InvalidTunnelOptionError(
      'overload and queue are of modes multicast and broadcast: in unicast, send waits'
    )
  }
  const policy = overload ?? (mode === 'broadcast' ? 'drop-oldest' : 'block')
  if (!POLICIES.includes(policy)) {
    throw new InvalidTunnelOptionError(
      `${String(policy)} is no overload policy: use ${POLICIES.join(', ')}`
    )
  }
  if (!(Number.isInteger(queue) && queue >= 1 && queue <= 2 ** 20)) {
    throw new InvalidTunnelOptionError(`queue is ${queue}: use a whole number from 1 to ${2 ** 20}`)
  }
  return { overload: policy, queue }
}
