import type { StreamMuxerFactory } from '@libp2p/interface'
import { serviceCapabilities } from '@libp2p/interface'
import type { AccountingMuxerFactory } from '@warren/interface'
import { YAMUX_PROTOCOL } from './core/constants.ts'
import { ReceiveBudget } from './core/receive-budget.ts'
import { withDefaults } from './options.ts'
import type { YamuxOptions } from './options.ts'
import { YamuxMuxer } from './shell/muxer.ts'

/**
 * A factory of yamux muxers for libp2p or a Warren swarm. All connections of one factory share the
 * budget `maxProcessBuffer`.
 *
 * @throws {YamuxOptionError} when an option is out of its range
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md
 */
export function yamux(options: YamuxOptions = {}): () => StreamMuxerFactory {
  const init = withDefaults(options)
  const budget = new ReceiveBudget(init.maxProcessBuffer)
  return () =>
    new YamuxFactory((conn, { account } = {}) => new YamuxMuxer(conn, init, budget, account))
}

class YamuxFactory implements StreamMuxerFactory, AccountingMuxerFactory {
  readonly protocol = YAMUX_PROTOCOL
  readonly [Symbol.toStringTag] = '@warren/yamux'
  readonly [serviceCapabilities]: string[] = ['@libp2p/stream-multiplexing']
  readonly createStreamMuxer: AccountingMuxerFactory['createStreamMuxer']

  constructor(create: AccountingMuxerFactory['createStreamMuxer']) {
    this.createStreamMuxer = create
  }
}
