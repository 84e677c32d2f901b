/** Defaults of every option, in one place; the README's table is compared with it. */
export const DEFAULTS = {
  maxDepth: 16,
  size: 64,
  capacity: 0,
  windowBytes: 262_144,
  maxWindow: 65_536,
  maxValueBytes: 262_144,
  maxBindings: 1_024,
  maxReservedBytes: 536_870_912,
  maxEnds: 16,
  endSize: 16,
  mode: 'queue',
  overload: 'block',
  backlog: 64,
  closeWithLast: false,
  maxCalls: 1_024,
  creditDelay: 5,
  helloTimeout: 10_000,
  bindTimeout: 10_000,
  closeTimeout: 5_000,
  maxErrors: 64
} as const
