import type { Findings } from '../support/namespace.ts'
import { captures } from './captures.ts'
import { active, passive } from './connections.ts'
import { datagrams } from './datagrams.ts'
import { gone } from './gone.ts'
import { halfClose } from './half-close.ts'
import { curlFromKernel, httpToKernel } from './http.ts'
import { iperf } from './iperf.ts'
import { losses } from './losses.ts'
import { negotiated } from './negotiated.ts'
import { plainReaders } from './plain-readers.ts'
import { resets } from './resets.ts'

/** What runs in a namespace: each throws when something is not as it must be. */
export const SCENARIOS = {
  active,
  captures,
  curlFromKernel,
  datagrams,
  gone,
  halfClose,
  httpToKernel,
  iperf,
  losses,
  negotiated,
  passive,
  plainReaders,
  resets
} as const satisfies Record<string, () => Promise<Findings>>

/** Name of a scenario. */
export type ScenarioName = keyof typeof SCENARIOS
