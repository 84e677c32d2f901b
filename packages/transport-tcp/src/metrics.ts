import type { CounterGroup, Metrics } from '@libp2p/interface'
import type { TcpListenerStats } from './listener-stats.ts'

type DialEvent = 'connected' | 'timeout' | 'aborted' | 'failed' | 'upgrade_failed'

/** This transport's metrics, where the node keeps any. */
export interface TcpMetrics {
  dialled(event: DialEvent): void
}

/** Registers the metrics; `listeners` are asked for their state whenever it is read. */
export function registerMetrics(
  metrics: Metrics | undefined,
  listeners: () => TcpListenerStats[]
): TcpMetrics {
  const dials: CounterGroup | undefined = metrics?.registerCounterGroup('warren_tcp_dials_total', {
    label: 'event',
    help: 'TCP and unix dials by outcome'
  })
  const sum = (of: (stats: TcpListenerStats) => number): number =>
    listeners().reduce((total, stats) => total + of(stats), 0)
  metrics?.registerMetricGroup('warren_tcp_listener_sockets', {
    label: 'state',
    help: 'Accepted sockets by state',
    calculate: () => ({
      waiting: sum(stats => stats.waiting),
      upgrading: sum(stats => stats.upgrading),
      open: sum(stats => stats.open)
    })
  })
  metrics?.registerMetricGroup('warren_tcp_listener_events', {
    label: 'event',
    help: 'What became of the sockets accepted by the present listeners',
    calculate: () => ({
      accepted: sum(stats => stats.accepted),
      failed: sum(stats => stats.failed),
      abandoned: sum(stats => stats.abandoned),
      refused_full: sum(stats => stats.refused.full),
      refused_descriptors: sum(stats => stats.refused.descriptors),
      refused_source: sum(stats => stats.refused.source)
    })
  })
  return {
    dialled: event => dials?.increment({ [event]: true })
  }
}
