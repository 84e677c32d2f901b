import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Namespace } from './namespaces.ts'

const MODULE = fileURLToPath(new URL('./kernel-end.js', import.meta.url))

/** A process that uses the kernel's TCP: see `kernel-end.ts`. */
export class KernelProcess implements Disposable {
  readonly #child: ChildProcess

  /** @param where a namespace; without one, ours */
  constructor(where: Namespace | undefined, ...args: string[]) {
    this.#child = where === undefined ? fork(MODULE, args) : where.fork(MODULE, ...args)
  }

  /** The port that a sink listens on; once, before anything else. */
  async port(): Promise<number> {
    const [message] = (await once(this.#child, 'message')) as [{ port: number }]
    return message.port
  }

  /** Bytes received so far. */
  async bytes(): Promise<number> {
    this.#child.send('bytes')
    const [message] = (await once(this.#child, 'message')) as [{ bytes: number }]
    return message.bytes
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

/** Mbit/s by a counter of bytes, over `seconds`, after a time to get going. */
export async function measured(
  bytes: () => Promise<number> | number,
  seconds: number,
  warmUp = 2
): Promise<number> {
  await pause(1000 * warmUp)
  const [before, started] = [await bytes(), performance.now()]
  await pause(1000 * seconds)
  return (((await bytes()) - before) * 8e-3) / (performance.now() - started)
}

/** Waits so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
