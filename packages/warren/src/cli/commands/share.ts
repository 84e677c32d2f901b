import { formatAddress, parseTarget } from '@warren/gateway'
import { TICKET_LIFETIME } from '../../defaults.ts'
import { UsageError } from '../../errors.ts'
import { checkTarget } from '../../node/check-target.ts'
import type { NodeTicket, Share, WarrenNode } from '../../node/node-types.ts'
import { parseAddress } from '../../node/tickets.ts'
import { AllowList } from '../../state/allow-list.ts'
import type { Home } from '../../state/home.ts'
import type { Context } from '../context.ts'
import { describeDuration, parseDuration } from '../duration.ts'
import { describeFailure } from '../describe-failure.ts'
import { pskOf } from '../psk-file.ts'
import { forgetExpired, nameOfShare, ticketIssuedBefore } from '../node-home.ts'
import { serveNode } from '../serve-node.ts'
import { shortPath, shortPeer } from '../peer-text.ts'
import { qrCode } from '../qr.ts'
import { readSecret } from '../secret-input.ts'
import { farewell, narrate } from '../narrate.ts'
import { aborted } from '../interrupt.ts'

/** Options of `warren share`. */
export interface ShareCommandOptions {
  readonly as?: string
  readonly expires?: string
  readonly uses?: number
  readonly announce?: readonly string[]
  readonly relay?: readonly string[]
  readonly allow?: readonly string[]
  readonly allowFile?: string
  readonly pskFile?: string
  readonly listen?: readonly string[]
  readonly check?: boolean
  readonly tokenFile?: string
  readonly peer?: readonly string[]
  readonly dht?: boolean
  readonly lan?: boolean
  readonly whileStdin?: boolean
}

/** `warren share <target>`. */
export async function share(
  context: Context,
  text: string,
  options: ShareCommandOptions
): Promise<void> {
  const { output, signal } = context
  const address = parseTarget(text)
  const target = formatAddress(address)
  const lifetime =
    options.expires === undefined ? TICKET_LIFETIME : parseDuration(options.expires, '--expires')
  for (const given of [...(options.listen ?? []), ...(options.announce ?? [])]) parseAddress(given)
  const home = await context.home()
  const token =
    options.tokenFile === undefined
      ? await home.savedToken()
      : await readSecret(options.tokenFile, 'token', signal)
  const { allow, allowFile } = options
  const allowed =
    allow === undefined && allowFile === undefined
      ? undefined
      : await AllowList.create(allow ?? [], allowFile)
  if (token === undefined && (options.dht === true || options.lan === true)) {
    throw new UsageError(
      'there is no network token here, by which others could find it: give one with --token-file'
    )
  }
  if (options.check !== false) await checkTarget(address, signal)
  const name = options.as ?? (await nameOfShare(home, target))
  await forgetExpired(home)

  const { createNodeIn } = await import('../../node/create-node.ts')
  await using node = await createNodeIn(home, {
    portName: `share/${name}`,
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.announce === undefined ? {} : { announce: options.announce }),
    ...(token === undefined ? {} : { token }),
    ...(options.peer === undefined ? {} : { peers: options.peer }),
    dht: options.dht === true,
    lan: options.lan === true,
    ...(options.relay === undefined ? {} : { relays: options.relay }),
    ...(await pskOf(options.pskFile)),
    signal
  })
  for (const relay of node.status().relays) {
    if (relay.state === 'reserved') continue
    const why = relay.error === undefined ? '' : `: ${describeFailure(relay.error)}`
    output.warn(`no seat at the relay ${relay.address} yet${why}; trying on`)
  }
  const shared = await node.share({
    target: text,
    name,
    ...(allowed === undefined ? {} : { allow: allowed.peers })
  })
  const ticket = await ticketFor(home, node, name, lifetime, options)
  if (options.whileStdin === true) context.endWithStdin()
  shared.onError(error => output.warn(`a connection was not carried: ${error.message}`))
  const quiet = narrate(node, output)
  using _following = allowed === undefined ? undefined : follow(allowed, shared, output)
  await using _control = await serveNode(context, home, node, { command: 'share', name })

  if (output.json) {
    output.object({
      name,
      ticket: ticket.text,
      id: ticket.id,
      expires: ticket.expires.toISOString(),
      target,
      peer: node.peerId,
      identity: node.identity,
      addresses: node.addresses(),
      relays: node.status().relays.map(({ address, state }) => ({ address, state })),
      pid: process.pid
    })
  } else {
    announce(context, node, name, target, ticket)
    output.data(ticket.text)
    const picture = output.interactive
      ? await qrCode(ticket.text, process.stderr.columns || 80)
      : undefined
    if (picture !== undefined) output.picture(picture)
  }
  await aborted(signal)
  quiet()
  output.say(farewell(`ending the share of ${target}`, shared.stats().open))
  throw signal.reason
}

/** Milliseconds between looks at the file of those who may open the share. */
const ALLOW_FILE_POLL = 1_000

/** Applies changes of the allow-list to the share until it is disposed of. */
function follow(allowed: AllowList, shared: Share, output: Context['output']): Disposable {
  let failure = ''
  const look = async (): Promise<void> => {
    try {
      if (await allowed.refresh()) {
        await shared.setAllowed(allowed.peers)
        output.say(`the allow-list has changed: ${allowed.peers.length} may open the share`)
      }
      failure = ''
    } catch (error) {
      // What was read last stays in force; the same failure is told once.
      const text = describeFailure(error)
      if (text !== failure) output.warn(text)
      failure = text
    }
  }
  const timer = setInterval(() => void look(), ALLOW_FILE_POLL).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function announce(
  { output, homePath }: Context,
  node: WarrenNode,
  name: string,
  target: string,
  ticket: NodeTicket
): void {
  const who =
    node.identity === 'kept'
      ? `identity ${shortPeer(node.peerId)}, kept in ${shortPath(homePath)}`
      : `identity ${shortPeer(node.peerId)}, for this run only`
  output.say(`sharing ${target} as ${output.style('bold', name)} (${who})`, {
    name,
    target,
    peer: node.peerId
  })
  if (node.identity === 'ephemeral') {
    const by = node.identityHeldBy === undefined ? '' : ` (process ${node.identityHeldBy})`
    output.warn(
      `the identity in ${shortPath(homePath)} is in use by another warren${by}, so this ticket ` +
        'ends with this process; with --home DIR it gets one of its own'
    )
  }
  const left = describeDuration(ticket.expires.getTime() - Date.now())
  output.say(
    `on the other machine, within ${left}:  warren open <ticket>   ("warren share" ends with Ctrl-C)`
  )
}

async function ticketFor(
  home: Home,
  node: WarrenNode,
  channel: string,
  lifetime: number,
  options: ShareCommandOptions
): Promise<NodeTicket> {
  const before =
    options.uses === undefined
      ? await ticketIssuedBefore(home, node, channel, lifetime, node.ticketAddresses())
      : undefined
  return (
    before ??
    node.ticket({
      channel,
      expires: lifetime,
      ...(options.uses === undefined ? {} : { uses: options.uses })
    })
  )
}
