import { describeError, printable } from '@warren/utils'
import {
  array,
  looseObject,
  number,
  object,
  optional,
  picklist,
  record,
  safeParse,
  string,
  boolean
} from 'valibot'
import type { InferOutput } from 'valibot'
import { askAll } from '../../control/control-client.ts'
import type { Context } from '../context.ts'
import { describeDuration } from '../duration.ts'
import { describeLimits, describeLink } from '../narrate.ts'
import { shortPath, shortPeer } from '../peer-text.ts'
import { describeSize } from '../size.ts'

const FORWARD = {
  name: string(),
  open: number(),
  total: number(),
  failed: record(string(), number()),
  bytesOut: number(),
  bytesIn: number()
}

const LIMITS = object({ bytes: optional(number()), seconds: optional(number()) })

/** What a process answers; newer ones may say more. */
const PROCESS = looseObject({
  pid: number(),
  home: string(),
  command: string(),
  name: string(),
  uptime: number(),
  peer: string(),
  identity: picklist(['kept', 'ephemeral']),
  addresses: array(string()),
  links: array(
    looseObject({
      peer: string(),
      address: string(),
      direction: picklist(['inbound', 'outbound']),
      path: picklist(['direct', 'relayed']),
      limits: optional(LIMITS),
      security: optional(string()),
      muxer: optional(string()),
      rtt: optional(number()),
      rate: optional(number()),
      channels: array(string()),
      ticket: boolean()
    })
  ),
  shares: array(looseObject({ ...FORWARD, target: string() })),
  openings: array(looseObject({ ...FORWARD, address: string() })),
  relays: optional(
    array(
      looseObject({
        address: string(),
        state: picklist(['reserved', 'trying']),
        error: optional(string())
      })
    )
  ),
  relay: optional(
    looseObject({
      memberLimits: LIMITS,
      strangerLimits: optional(LIMITS),
      seats: array(looseObject({ peer: string(), member: boolean() })),
      connections: number()
    })
  ),
  sessions: object({ open: number(), detached: number(), resumed: number() })
})

type Process = InferOutput<typeof PROCESS>

/** `warren status`. */
export async function status(context: Context, options: { readonly all?: boolean }): Promise<void> {
  const { output, homePath } = context
  const { answers, silent } = await askAll(homePath, { warren: 1, do: 'status' })
  const processes: Process[] = []
  for (const { pid, data } of answers) {
    const parsed = safeParse(PROCESS, data)
    if (!parsed.success) output.warn(`process ${pid} is of another version of warren`)
    else if (options.all === true || parsed.output.home === homePath) processes.push(parsed.output)
  }
  for (const { pid, error } of silent) {
    output.warn(`process ${pid} does not answer: ${describeError(error)}`)
  }
  if (output.json) {
    output.object({ home: homePath, processes })
    return
  }
  for (const process of processes) for (const line of describe(process)) output.data(line)
  if (processes.length === 0) {
    output.say(
      `nothing runs with ${shortPath(homePath)}: begin with "warren share" or "warren open"`
    )
  }
}

function describe(process: Process): string[] {
  const { pid, command, name, peer, identity, uptime, links, sessions } = process
  const since = describeDuration(uptime * 1_000)
  const lines = [
    `${command} ${printable(name, 80)}  (process ${pid}, for ${since}, ` +
      `identity ${shortPeer(peer)}${identity === 'kept' ? '' : ' for this run only'})`
  ]
  for (const share of process.shares) {
    lines.push(`  target    ${printable(share.target)}  ${counters(share)}`)
  }
  for (const opening of process.openings) {
    lines.push(`  here      ${printable(opening.address)}  ${counters(opening)}`)
  }
  for (const address of process.addresses) lines.push(`  address   ${printable(address)}`)
  for (const relay of process.relays ?? []) {
    const why = relay.error === undefined ? '' : `: ${printable(relay.error, 200)}`
    lines.push(`  relay     ${printable(relay.address)}  (${relay.state}${why})`)
  }
  if (process.relay !== undefined) return [...lines, ...describeRelay(process.relay)]
  for (const link of links) {
    const way = {
      ...link,
      limits: link.limits && { bytes: link.limits.bytes, seconds: link.limits.seconds },
      security: link.security,
      muxer: link.muxer,
      rtt: link.rtt,
      rate: link.rate
    }
    lines.push(`  link      ${shortPeer(link.peer)}  ${printable(describeLink(way))}`)
  }
  if (links.length === 0) lines.push('  link      none now')
  lines.push(
    `  sessions  ${sessions.open} open, ${sessions.detached} waiting for a link, ` +
      `${sessions.resumed} times resumed`
  )
  return lines
}

function describeRelay({ seats, connections, ...limits }: NonNullable<Process['relay']>): string[] {
  const members = seats.filter(({ member }) => member).length
  const strangers =
    limits.strangerLimits === undefined ? 'no seat' : describeLimits(limits.strangerLimits)
  return [
    `  seats     ${members} of members (${describeLimits(limits.memberLimits)} each connection), ` +
      `${seats.length - members} of strangers (${strangers})`,
    `  peers     ${connections} connected`
  ]
}

function counters(forward: InferOutput<ReturnType<typeof object<typeof FORWARD>>>): string {
  const failed = Object.entries(forward.failed).map(([code, n]) => `${n} × ${printable(code, 60)}`)
  return (
    `${forward.open} open, ${forward.total} in all, ` +
    `${describeSize(forward.bytesOut)} out, ${describeSize(forward.bytesIn)} in` +
    (failed.length === 0 ? '' : `, failed: ${failed.join(', ')}`)
  )
}
