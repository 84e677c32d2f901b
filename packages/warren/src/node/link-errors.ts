import { EventEmitter } from 'node:events'
import type { Ticket, Tunnel } from '@warren/tunnel'

/** More nodes are not remembered; the one that failed first is forgotten. */
const MAX = 256

/** Why a node is not linked. */
export interface LinkFailure {
  readonly error: Error
  /** Trying again cannot help. */
  readonly fatal: boolean
}

/** Remembers of each node why it is not linked, for whoever asks later, and tells of it. */
export class LinkErrors {
  readonly #byNode = new Map<string, LinkFailure>()
  /** Sharers of the tickets that were taken up, by ticket id. */
  readonly #sharers = new Map<string, string>()
  readonly #events = new EventEmitter<{ failure: [LinkFailure] }>().setMaxListeners(0)
  readonly #stop: (() => void)[]

  constructor(tunnel: Tunnel) {
    this.#stop = [
      tunnel.on('link-error', (error, node, fatal) => this.#add(String(node), { error, fatal })),
      tunnel.on('ticket-refused', (id, error) =>
        this.#add(this.#sharers.get(id) ?? id, { error, fatal: true })
      ),
      tunnel.on('link', link => this.#clear(link.peer))
    ]
  }

  /**
   * A ticket whose refusal will be one of its sharer. What was refused before says nothing about
   * it.
   */
  expect(ticket: Ticket): void {
    const sharer = ticket.sharer.toString()
    this.#sharers.set(ticket.id, sharer)
    this.#clear(sharer)
  }

  /** A ticket that is no longer held. */
  forget(ticketId: string): void {
    this.#sharers.delete(ticketId)
  }

  /** The refusal of the peer that no further attempt can change. */
  fatal(peer: string | undefined): Error | undefined {
    return this.#of(peer).findLast(failure => failure.fatal)?.error
  }

  /** Why the last attempt to link to the peer failed. */
  last(peer: string | undefined): Error | undefined {
    return this.#of(peer).at(-1)?.error
  }

  /** Told of each failure. */
  onFailure(listener: (failure: LinkFailure) => void): () => void {
    this.#events.on('failure', listener)
    return () => void this.#events.off('failure', listener)
  }

  close(): void {
    for (const stop of this.#stop) stop()
    this.#events.removeAllListeners()
  }

  #add(node: string, failure: LinkFailure): void {
    this.#byNode.delete(node)
    this.#byNode.set(node, failure)
    const [oldest] = this.#byNode.keys()
    if (this.#byNode.size > MAX && oldest !== undefined) this.#byNode.delete(oldest)
    this.#events.emit('failure', failure)
  }

  #clear(peer: string): void {
    for (const node of this.#byNode.keys()) {
      if (node.includes(peer)) this.#byNode.delete(node)
    }
  }

  #of(peer: string | undefined): LinkFailure[] {
    const all = [...this.#byNode]
    return all.filter(([node]) => peer === undefined || node.includes(peer)).map(([, f]) => f)
  }
}
