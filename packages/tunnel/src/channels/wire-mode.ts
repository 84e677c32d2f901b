import { WireMode } from '../../proto/control.ts'
import type { Mode } from '../session/session-types.ts'

const TO_WIRE: Record<Mode, WireMode> = {
  unicast: WireMode.UNICAST,
  multicast: WireMode.MULTICAST,
  broadcast: WireMode.BROADCAST
}

const FROM_WIRE: Record<WireMode, Mode> = {
  [WireMode.UNICAST]: 'unicast',
  [WireMode.MULTICAST]: 'multicast',
  [WireMode.BROADCAST]: 'broadcast'
}

/** A mode as control messages carry it. */
export function toWireMode(mode: Mode): WireMode {
  return TO_WIRE[mode]
}

/** The mode that a control message carries. */
export function fromWireMode(mode: WireMode): Mode {
  return FROM_WIRE[mode]
}
