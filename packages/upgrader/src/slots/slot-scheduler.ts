import type { UpgradeSlot } from '@warren/interface'
import { LinkedList } from '../linked-list.ts'
import type { ListNode } from '../linked-list.ts'
import type { Source } from './source-table.ts'

/** Limits of a {@link SlotScheduler}. */
export interface SlotSchedulerOptions {
  readonly maxParallelUpgrades: number
  readonly maxParallelUpgradesPerSource: number
}

/** Called with the slot when a request is granted; at once, or later. */
export type Grant = (slot: UpgradeSlot) => void

/** The requests of one source in one group, first come first. */
interface Lane {
  readonly group: SlotGroup
  readonly source: Source
  readonly waiters: LinkedList<Grant>
  /** Its place among the lanes of its group that can be granted; none while parked. */
  ready: ListNode<Lane> | undefined
}

/** The requests of one view. Its state is the scheduler's; a view opens and shuts it. */
export interface SlotGroup {
  readonly lanes: Map<Source, Lane>
  readonly ready: LinkedList<Lane>
  open: boolean
  /** Its place among the groups that are open and have a ready lane. */
  turn: ListNode<SlotGroup> | undefined
}

/**
 * Hands out a fixed number of slots. Groups take turns, within a group sources take turns, and
 * within a source requests are granted in the order of their arrival; a source at its limit and a
 * group that is shut are passed over. Every step is O(1) in the number of requests.
 */
export class SlotScheduler {
  readonly #options: SlotSchedulerOptions
  readonly #turns = new LinkedList<SlotGroup>()
  /** Lanes whose source is at its limit. */
  readonly #parked = new Map<Source, Set<Lane>>()
  #active = 0
  #waiting = 0

  constructor(options: SlotSchedulerOptions) {
    this.#options = options
  }

  /** Slots in use. */
  get active(): number {
    return this.#active
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting
  }

  createGroup(): SlotGroup {
    return { lanes: new Map(), ready: new LinkedList(), open: true, turn: undefined }
  }

  /** Opens or shuts a group: requests of a group that is shut wait. */
  setOpen(group: SlotGroup, open: boolean): void {
    if (group.open === open) return
    group.open = open
    this.#queueGroup(group)
    this.#grantAll()
  }

  /** Asks for a slot; returns how to take the request back (`false` when it was granted). */
  request(group: SlotGroup, source: Source, grant: Grant): () => boolean {
    let lane = group.lanes.get(source)
    if (lane === undefined) {
      lane = { group, source, waiters: new LinkedList(), ready: undefined }
      group.lanes.set(source, lane)
    }
    const node = lane.waiters.push(grant)
    this.#waiting++
    source.waiting++
    this.#queueLane(lane)
    this.#grantAll()
    return () => this.#cancel(lane, node)
  }

  #cancel(lane: Lane, node: ListNode<Grant>): boolean {
    if (!lane.waiters.remove(node)) return false
    this.#waiting--
    lane.source.waiting--
    if (lane.waiters.size === 0) this.#removeLane(lane)
    return true
  }

  #grantAll(): void {
    while (this.#active < this.#options.maxParallelUpgrades) {
      const group = this.#turns.shift()
      if (group === undefined) return
      group.turn = undefined
      const lane = group.ready.shift()
      if (lane !== undefined) {
        lane.ready = undefined
        this.#grantNext(lane)
      }
      this.#queueGroup(group)
    }
  }

  #grantNext(lane: Lane): void {
    const { source } = lane
    if (this.#atLimit(source)) {
      this.#queueLane(lane)
      return
    }
    const grant = lane.waiters.shift()
    if (grant === undefined) return
    this.#waiting--
    this.#active++
    source.waiting--
    source.active++
    if (lane.waiters.size === 0) this.#removeLane(lane)
    else this.#queueLane(lane)
    grant(this.#slot(source))
  }

  #slot(source: Source): UpgradeSlot {
    let held = true
    return {
      release: () => {
        if (!held) return
        held = false
        this.#active--
        source.active--
        for (const lane of this.#parked.get(source) ?? []) {
          lane.ready = lane.group.ready.push(lane)
          this.#queueGroup(lane.group)
        }
        this.#parked.delete(source)
        this.#grantAll()
      }
    }
  }

  /** Puts a lane with waiters where it belongs: among the ready ones, or parked. */
  #queueLane(lane: Lane): void {
    if (lane.ready !== undefined) return
    if (this.#atLimit(lane.source)) {
      const parked = this.#parked.get(lane.source)
      if (parked === undefined) this.#parked.set(lane.source, new Set([lane]))
      else parked.add(lane)
      return
    }
    lane.ready = lane.group.ready.push(lane)
    this.#queueGroup(lane.group)
  }

  #removeLane(lane: Lane): void {
    lane.group.lanes.delete(lane.source)
    if (lane.ready !== undefined) {
      lane.group.ready.remove(lane.ready)
      lane.ready = undefined
      this.#queueGroup(lane.group)
    }
    const parked = this.#parked.get(lane.source)
    parked?.delete(lane)
    if (parked?.size === 0) this.#parked.delete(lane.source)
  }

  /** Puts a group at the end of the turns when it can be served, takes it out when it cannot. */
  #queueGroup(group: SlotGroup): void {
    const canServe = group.open && group.ready.size > 0
    if (canServe && group.turn === undefined) group.turn = this.#turns.push(group)
    if (!canServe && group.turn !== undefined) {
      this.#turns.remove(group.turn)
      group.turn = undefined
    }
  }

  #atLimit(source: Source): boolean {
    return source.key !== undefined && source.active >= this.#options.maxParallelUpgradesPerSource
  }
}
