import type { AbortOptions } from '@libp2p/interface'
import { NetchanOptionError } from '../errors.ts'
import { takeOne, tryReceiveFrom } from './calls.ts'
import type { Received } from './calls.ts'
import { ChannelCore } from './channel-core.ts'
import { PORT } from './channel-port.ts'
import type { Puller, Pusher } from './channel-port.ts'
import type { Receiver, Sender } from './channel-types.ts'
import { Place } from './wait-queue.ts'

/** A case of a {@link select}: receive from a channel. Made by {@link receiving}. */
export interface ReceiveCase<out T> {
  readonly receive: Receiver<T>
}

/** A case of a {@link select}: send a value. Made by {@link sending}. */
export interface SendCase {
  readonly send: Sender<never>
  readonly value: unknown
}

/** A case of a {@link select}. One that is `undefined` or `false` is never ready: Go's nil channel. */
export type SelectCase = ReceiveCase<unknown> | SendCase | undefined | false

/** Options of {@link select}. */
export interface SelectOptions extends AbortOptions {
  /** Chooses among the cases that are ready; from 0 to below 1. Default `Math.random`. */
  readonly random?: () => number
}

/** What one case gives, by its index. */
type Outcome<Case, Index> =
  Case extends ReceiveCase<infer T>
    ? { readonly index: Index } & Received<T>
    : Case extends SendCase
      ? { readonly index: Index }
      : never

type IndexOf<Key> = Key extends `${infer Index extends number}` ? Index : number

/** The case that was carried out: its index, and what was received if it was a receive. */
export type Selected<Cases extends readonly SelectCase[]> = {
  [Key in keyof Cases]: Outcome<Cases[Key], IndexOf<Key>>
}[number]

/** A case of {@link select}: the next value of a channel, or its end. */
export function receiving<T>(channel: Receiver<T>): ReceiveCase<T> {
  return { receive: channel }
}

/** A case of {@link select}: sends `value`. */
export function sending<T>(channel: Sender<T>, value: T): SendCase {
  return { send: channel as Sender<never>, value }
}

/**
 * Carries out exactly one of the cases: one of those that are ready, each with the same chance, or
 * else the first that becomes ready. The others did not happen: they took and sent nothing.
 *
 * @throws the signal's reason, when no case was carried out; what `send` and `receive` throw on a
 * closed channel; code `ERR_NETCHAN_OPTION` when no case can ever be ready
 */
export function select<const Cases extends readonly SelectCase[]>(
  cases: Cases,
  options: SelectOptions = {}
): Promise<Selected<Cases>> {
  try {
    options.signal?.throwIfAborted()
    const turns = turnsOf(cases)
    const ready = pick(turns, options.random ?? Math.random)
    if (ready !== undefined) return Promise.resolve(carryOut(ready) as Selected<Cases>)
    if (turns.length === 0) throw new NetchanOptionError('a select of no case would wait for ever')
    return waitForOne(turns, options.signal) as Promise<Selected<Cases>>
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/**
 * Carries out one of the cases if one is ready: a select with Go's `default`.
 *
 * @returns `undefined` when none is ready
 * @throws what {@link select} throws
 */
export function trySelect<const Cases extends readonly SelectCase[]>(
  cases: Cases,
  options: Pick<SelectOptions, 'random'> = {}
): Selected<Cases> | undefined {
  const ready = pick(turnsOf(cases), options.random ?? Math.random)
  return ready === undefined ? undefined : (carryOut(ready) as Selected<Cases>)
}

/** A case that takes part, with what is behind its channel. */
interface Turn {
  readonly index: number
  readonly core: ChannelCore
  /** The value to be sent; a receive has none. */
  readonly send: { readonly value: unknown } | undefined
}

type Result = { readonly index: number } & Partial<Received<unknown>>

function turnsOf(cases: readonly SelectCase[]): Turn[] {
  const turns: Turn[] = []
  for (const [index, each] of cases.entries()) {
    if (each === undefined || each === false) continue
    const core = 'receive' in each ? each.receive[PORT] : each.send[PORT]
    if (!(core instanceof ChannelCore)) {
      throw new NetchanOptionError(
        `case ${index} of a select is no channel of this copy of @warren/netchan`
      )
    }
    const send = 'receive' in each ? undefined : each
    if (send !== undefined) core.check(send.value)
    turns.push({ index, core, send })
  }
  return turns
}

/** One of the turns that are ready, each with the same chance. */
function pick(turns: readonly Turn[], random: () => number): Turn | undefined {
  let chosen: Turn | undefined
  let ready = 0
  for (const turn of turns) {
    if (!(turn.send === undefined ? turn.core.receivable : turn.core.sendable)) continue
    ready++
    if (ready === 1 || random() * ready < 1) chosen = turn
  }
  return chosen
}

/** Carries out a turn that is ready. */
function carryOut({ index, core, send }: Turn): Result {
  if (send === undefined) return { index, ...tryReceiveFrom(core) }
  core.accept(send.value)
  return { index }
}

/** Waits in the queues of all; the one that is served takes the others out. */
function waitForOne(turns: readonly Turn[], signal: AbortSignal | undefined): Promise<Result> {
  return new Promise((resolve, reject) => {
    const places: (Place<Puller> | Place<Pusher>)[] = []
    const leave = (): void => {
      signal?.removeEventListener('abort', onAbort)
      for (const place of places) place.leave()
    }
    const onAbort = (): void => fail(signal?.reason as Error)
    const fail = (error: Error): void => {
      leave()
      reject(error)
    }
    const done = (result: Result): void => {
      leave()
      resolve(result)
    }
    try {
      for (const { index, core, send } of turns) {
        if (send === undefined) {
          const party = takeOne(received => done({ index, ...received }), fail)
          const place = new Place(party, false)
          core.takers.add(place)
          places.push(place)
        } else {
          const give = (): unknown => {
            done({ index })
            return send.value
          }
          const end = (): void => fail(core.refusal)
          const place = new Place<Pusher>({ ready: true, give, end }, false)
          core.givers.add(place)
          places.push(place)
        }
      }
    } catch (error) {
      fail(error as Error)
      return
    }
    signal?.addEventListener('abort', onAbort)
  })
}
