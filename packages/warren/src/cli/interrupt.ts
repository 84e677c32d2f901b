import { EXIT } from './exit-codes.ts'

/** Why a command ends: a signal asked for it. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
  }
}

/**
 * A signal that comes this soon after the first one (ms) is the same key press: a terminal sends it
 * to the whole group, and npm sends it on to us once more.
 */
const SAME_PRESS = 250

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How a command is told to end. */
export interface Interruption {
  readonly signal: AbortSignal
  /** Asks for the end, as a signal would. */
  end(reason: Error): void
  /** Lets go of the signal handlers. */
  stop(): void
}

/**
 * An abort signal that fires on the first Ctrl-C, SIGTERM or SIGHUP. A second Ctrl-C leaves at
 * once, without cleaning up.
 */
export function interruption(): Interruption {
  const controller = new AbortController()
  let first: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    const reason = new Interrupted(name)
    if (first === undefined) {
      first = performance.now()
      controller.abort(reason)
    } else if (performance.now() - first > SAME_PRESS) {
      process.exit(reason.exitCode)
    }
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    end: reason => controller.abort(reason),
    stop: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    }
  }
}

/** Resolves with the reason when `signal` fires. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise(resolve => {
    const done = (): void => resolve(signal.reason)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done, { once: true })
  })
}
