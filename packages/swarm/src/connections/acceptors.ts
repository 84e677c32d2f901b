import type { Connection } from '@libp2p/interface'
import type { AcceptQueue, UpgraderView, WarrenUpgrader } from '@warren/upgrader'
import type { Acceptor } from '../transport-manager.ts'
import type { AcceptGate } from './accept-gate.ts'
import { acceptLoop } from './accept-loop.ts'

/** What {@link Acceptors} work with. */
export interface AcceptorsContext {
  /** Read on use: the upgrader is made later. */
  readonly upgrader: () => WarrenUpgrader
  readonly gate: AcceptGate
  /** Registers a connection and starts its streams. Must not throw. */
  readonly take: (connection: Connection) => void
}

/** One accept loop per listener, and one for connections that come by other ways (relays). */
export class Acceptors {
  readonly #context: AcceptorsContext
  readonly #controller = new AbortController()
  readonly #loops = new Set<Promise<void>>()

  constructor(context: AcceptorsContext) {
    this.#context = context
  }

  /** Takes what arrives in the upgrader's shared queue. */
  start(): void {
    this.#loop(this.#context.upgrader().queue, this.#controller.signal)
  }

  /** A view for a new listener, with its loop. */
  create(): Acceptor {
    const view: UpgraderView = this.#context.upgrader().createView()
    this.#loop(view.queue, this.#controller.signal)
    return {
      upgrader: view,
      // Closing the queue ends its loop.
      close: async () => view.close()
    }
  }

  /** Ends the loops; the queues are their views' to close. */
  async close(): Promise<void> {
    this.#controller.abort(new Error('the swarm takes no connections any more'))
    await Promise.all(this.#loops)
  }

  #loop(queue: AcceptQueue, signal: AbortSignal): void {
    const { gate, take } = this.#context
    const loop = acceptLoop(queue, gate, signal, take).finally(() => this.#loops.delete(loop))
    this.#loops.add(loop)
  }
}
