import { deadline, printable } from '@warren/utils'
import {
  array,
  boolean,
  looseObject,
  number,
  object,
  optional,
  picklist,
  safeParse,
  string
} from 'valibot'
import type { InferOutput } from 'valibot'
import { askAll } from '../../control/control-client.ts'
import { PeerTimeoutError, UsageError } from '../../errors.ts'
import { createNodeIn } from '../../node/create-node.ts'
import type { Home } from '../../state/home.ts'
import type { Context } from '../context.ts'
import { describeDuration, parseDuration } from '../duration.ts'
import { EXIT } from '../exit-codes.ts'
import { describeLimits } from '../narrate.ts'
import { shortPeer } from '../peer-text.ts'
import { pskOf } from '../psk-file.ts'
import { resolveTicket } from '../resolve-ticket.ts'

/** Options of `warren why`. */
export interface WhyCommandOptions {
  readonly timeout: string
  readonly pskFile?: string
}

const EXPLANATION = looseObject({
  peer: optional(string()),
  linked: boolean(),
  paths: array(
    looseObject({
      address: string(),
      direction: picklist(['inbound', 'outbound']),
      path: picklist(['direct', 'relayed']),
      limits: optional(object({ bytes: optional(number()), seconds: optional(number()) })),
      security: optional(string()),
      muxer: optional(string()),
      rtt: optional(number()),
      used: boolean()
    })
  ),
  dials: array(
    looseObject({
      address: string(),
      at: number(),
      connected: boolean(),
      step: string(),
      duration: number(),
      cause: optional(string()),
      code: optional(string())
    })
  )
})

type Explained = InferOutput<typeof EXPLANATION>

/** Whom to ask about: a peer id alone, or with where it may be. */
interface Wanted {
  readonly peer: string | undefined
  /** A ticket or a multiaddr; `undefined` for a peer id alone. */
  readonly target: string | undefined
}

/**
 * `warren why <peer>`: told by the running process that is linked to the peer, else by a dial of its
 * own. Its exit code is 0 when there is a way.
 */
export async function why(
  context: Context,
  given: string,
  options: WhyCommandOptions
): Promise<number> {
  const { output } = context
  const timeout = parseDuration(options.timeout, '--timeout')
  const psk = await pskOf(options.pskFile)
  const home = await context.home()
  const wanted = await whoIsWanted(context, home, given)
  const running = wanted.peer === undefined ? undefined : await fromProcess(context, wanted.peer)
  if (running === undefined && wanted.target === undefined) {
    throw new UsageError(
      `no running warren here is linked to ${printable(given, 80)}: give a ticket, a name opened ` +
        'before, or an address with /p2p/, so that it can be dialled'
    )
  }
  const explained = running ?? {
    ...(await byDial(context, home, wanted.target ?? '', timeout, psk)),
    pid: undefined
  }
  if (output.json) output.object(explained)
  else for (const line of describe(explained)) output.data(line)
  return explained.paths.length > 0 ? EXIT.ok : EXIT.unavailable
}

async function whoIsWanted(context: Context, home: Home, given: string): Promise<Wanted> {
  if (given.startsWith('/')) {
    return { peer: /\/p2p\/([^/]+)$/.exec(given)?.[1], target: given }
  }
  // A name may look like anything; a peer id that is no name is meant as such.
  const isName = given === '-' || /^warren:/i.test(given) || (await home.peers.get(given))
  if (isName === undefined && /^(12D3|16Uiu|Qm)[1-9A-HJ-NP-Za-z]{20,}$/.test(given)) {
    return { peer: given, target: undefined }
  }
  const { text, ticket } = await resolveTicket(home, given, context.signal)
  return { peer: ticket.sharer.toString(), target: text }
}

/** What a running process says that has a way to the peer. */
async function fromProcess(
  { homePath }: Context,
  peer: string
): Promise<(Explained & { readonly pid: number }) | undefined> {
  const { answers } = await askAll(homePath, { warren: 1, do: 'explain', peer })
  for (const { pid, data } of answers) {
    const parsed = safeParse(EXPLANATION, data)
    if (parsed.success && parsed.output.paths.length > 0) return { ...parsed.output, pid }
  }
  return undefined
}

async function byDial(
  { signal }: Context,
  home: Home,
  target: string,
  timeout: number,
  psk: { psk?: Uint8Array }
): Promise<Explained> {
  // The kept identity belongs to whoever shares; a look needs none.
  await using node = await createNodeIn(home, {
    listen: [],
    identity: 'ephemeral',
    ...psk,
    signal
  })
  const limit = deadline(
    timeout,
    () => new PeerTimeoutError(`no answer within ${describeDuration(timeout)}`),
    signal
  )
  try {
    const explained = await node.explain(target, { signal: limit.signal })
    return JSON.parse(JSON.stringify(explained)) as Explained
  } finally {
    limit.clear()
  }
}

function describe({ peer, linked, paths, dials, pid }: Explained & { pid: number | undefined }) {
  const who = peer === undefined ? 'the address' : shortPeer(peer)
  const state = linked ? 'linked' : paths.length > 0 ? 'reachable' : 'not reachable'
  const by = pid === undefined ? 'dialled just now' : `as process ${pid} has it`
  const lines = [`${who} is ${state} (${by})`]
  for (const path of paths) {
    const parts = [
      path.path,
      ...(path.limits === undefined ? [] : [describeLimits(path.limits)]),
      path.security,
      path.muxer,
      path.rtt === undefined ? 'no answer to a ping' : `${path.rtt.toFixed(1)} ms`
    ]
    const mark = path.used ? 'in use' : 'open'
    const way = parts.filter(part => part !== undefined).join(', ')
    lines.push(`  ${mark.padEnd(8)}${printable(path.address)}  (${printable(way)})`)
  }
  const wide = Math.max(0, ...dials.map(({ address }) => address.length))
  for (const dial of dials) {
    const time = `${Math.round(dial.duration)} ms`.padStart(8)
    const cause = dial.connected ? '' : `  ${printable(dial.cause ?? 'failed', 200)}`
    const age = describeDuration(Math.max(0, Date.now() - dial.at))
    const when = pid === undefined ? '' : `  (${age} ago)`
    lines.push(
      `  tried   ${printable(dial.address).padEnd(wide)}  ${printable(dial.step, 20).padEnd(9)} ` +
        `${time}${cause}${when}`
    )
  }
  if (dials.length === 0 && paths.every(path => path.direction === 'inbound')) {
    lines.push('  tried   nothing: the peer came to us, or no address of it is known')
  }
  return lines
}
