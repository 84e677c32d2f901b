import { parseListen } from '@warren/gateway'
import { printable } from '@warren/utils'
import { UsageError } from '../../errors.ts'
import type { NodeOptions, Opening, WarrenNode } from '../../node/node-types.ts'
import type { Home } from '../../state/home.ts'
import { listenOnKeptPort } from '../../state/kept-ports.ts'
import type { Context } from '../context.ts'
import { describeFailure } from '../describe-failure.ts'
import { parseDuration } from '../duration.ts'
import { aborted } from '../interrupt.ts'
import { describeLink, farewell, narrate } from '../narrate.ts'
import { shortPath, shortPeer } from '../peer-text.ts'
import { pskOf } from '../psk-file.ts'
import { readSecret } from '../secret-input.ts'
import { serveNode } from '../serve-node.ts'

/** Options of `warren open`. */
export interface OpenCommandOptions {
  readonly ticketFile?: string
  readonly timeout: string
  readonly as?: string
  readonly peer?: readonly string[]
  readonly dht?: boolean
  readonly lan?: boolean
  readonly tokenFile?: string
  readonly pskFile?: string
  readonly whileStdin?: boolean
}

/** What is to be opened: by a ticket, or a channel by the network's token. */
interface Wanted {
  readonly name: string
  readonly channel: string
  /** Who shares it; `undefined` when that is to be found out. */
  readonly peer: string | undefined
  readonly node: Pick<NodeOptions, 'tickets' | 'peers' | 'token' | 'dht' | 'lan'>
  /** Kept under the name once it has worked. */
  readonly ticket: string | undefined
}

/** `warren open <ticket|name> [listen]`. */
export async function open(
  context: Context,
  given: string | undefined,
  listen: string | undefined,
  options: OpenCommandOptions
): Promise<void> {
  const { output, signal } = context
  const timeout = parseDuration(options.timeout, '--timeout')
  if (listen !== undefined) parseListen(listen)
  const home = await context.home()
  const wanted = await whatIsWanted(context, home, given, options)
  const { name, channel, peer } = wanted
  // The peer may have chosen it.
  const shown = printable(name, 80)

  const { createNodeIn } = await import('../../node/create-node.ts')
  // By the identity of its own sharer it could not link to it: that is for the share, which may
  // just be starting again.
  const own = peer === (await home.peerId())
  await using node = await createNodeIn(home, {
    listen: [],
    ...wanted.node,
    ...(await pskOf(options.pskFile)),
    ...(own ? { identity: 'ephemeral' as const } : {}),
    signal
  })
  if (node.identity === 'ephemeral') tellEphemeral(context, node, own)
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let told = false
  const early = node.on('link-error', (error, fatal) => {
    if (fatal || told) return
    told = true
    output.say(`no way to ${shown} yet, trying for ${options.timeout}: ${describeFailure(error)}`)
  })
  output.status(`connecting to ${shown}${peer === undefined ? '' : ` (${shortPeer(peer)})`} …`)
  const opening = await openSomewhere(context, node, home, wanted, listen, timeout)
  early()
  output.status('')

  if (options.whileStdin === true) context.endWithStdin()
  await remember(context, home, wanted, opening, listen)
  opening.onError(error => output.warn(`a connection was not carried: ${error.message}`))
  const quiet = narrate(node, output, id => (id === peer ? shown : shortPeer(id)))
  node.on('link-error', (error, fatal) => {
    // Not to be let in any more is the end: nothing that this process does can change it.
    if (fatal) failed.reject(error)
  })
  await using _control = await serveNode(context, home, node, { command: 'open', name })

  const link = node
    .status()
    .links.find(each => (peer === undefined ? each.channels.includes(channel) : each.peer === peer))
  if (output.json) {
    const { address, url, host, port } = opening
    const who = peer ?? link?.peer
    output.object({ name, channel, url, address, host, port, peer: who, link, pid: process.pid })
  } else {
    const way = link === undefined ? '' : `: ${describeLink(link)}`
    const fields = { name, ...(peer === undefined ? {} : { peer }) }
    output.say(`connected to ${output.style('bold', shown)}${way}`, fields)
    output.say('here it is, until Ctrl-C:')
    output.data(opening.url)
  }
  await Promise.race([aborted(signal), failed.promise])
  quiet()
  output.say(farewell(`closing ${shown}`, opening.stats().open))
  throw signal.reason
}

function tellEphemeral({ output, homePath }: Context, node: WarrenNode, own: boolean): void {
  const by = node.identityHeldBy === undefined ? '' : ` (process ${node.identityHeldBy})`
  output.say(
    own
      ? `the ticket is one of this state directory (${shortPath(homePath)}): ` +
          'this process has an identity for its run only'
      : `the identity in ${shortPath(homePath)} is in use by another warren${by}: ` +
          'this process has one for its run only'
  )
}

async function whatIsWanted(
  { signal }: Context,
  home: Home,
  given: string | undefined,
  options: OpenCommandOptions
): Promise<Wanted> {
  if (options.peer !== undefined || options.dht === true || options.lan === true) {
    return byToken(home, given, options, signal)
  }
  if (options.tokenFile !== undefined) {
    throw new UsageError('--token-file needs --peer, the address of the peer to open from')
  }
  if ((given === undefined) === (options.ticketFile === undefined)) {
    throw new UsageError(
      given === undefined
        ? 'what is to be opened? Give a ticket, a name opened before, or --ticket-file'
        : 'give a ticket or --ticket-file, not both'
    )
  }
  const text =
    options.ticketFile === undefined
      ? (given ?? '')
      : await readSecret(options.ticketFile, 'ticket', signal)
  const { resolveTicket } = await import('../resolve-ticket.ts')
  const found = await resolveTicket(home, text, signal)
  const { channel, sharer } = found.ticket
  return {
    name: options.as ?? found.name ?? channel,
    channel,
    peer: sharer.toString(),
    node: { tickets: [found.text] },
    ticket: found.text
  }
}

async function byToken(
  home: Home,
  channel: string | undefined,
  options: OpenCommandOptions,
  signal: AbortSignal
): Promise<Wanted> {
  const { peer: peers = [], dht = false, lan = false } = options
  if (channel === undefined || options.ticketFile !== undefined) {
    throw new UsageError('by the network token, name the channel: warren open web --peer /ip4/…')
  }
  const ids = peers.map(each => /\/p2p\/([^/]+)$/.exec(each)?.[1])
  if (ids.includes(undefined)) {
    throw new UsageError('--peer must be a multiaddr that ends with /p2p/ and the peer id')
  }
  if (dht && ids.length === 0) {
    throw new UsageError('--dht needs --peer, the address of any node of the network')
  }
  const token =
    options.tokenFile === undefined
      ? await home.savedToken()
      : await readSecret(options.tokenFile, 'token', signal)
  if (token === undefined) {
    throw new UsageError(
      'there is no network token here: give one with --token-file, or use a ticket'
    )
  }
  return {
    name: options.as ?? channel,
    channel,
    peer: dht || lan ? undefined : ids[0],
    node: { peers, token, dht, lan },
    ticket: undefined
  }
}

/**
 * Opens at `listen`; without one where it was opened last time, or at a free port that is kept.
 */
async function openSomewhere(
  { output, signal }: Context,
  node: WarrenNode,
  home: Home,
  { name, channel, peer }: Wanted,
  listen: string | undefined,
  timeout: number
): Promise<Opening> {
  const at = (where: string | number): Promise<Opening> =>
    node.open({ channel, listen: where, timeout, signal, ...(peer === undefined ? {} : { peer }) })
  if (listen !== undefined) return at(listen)
  const before = (await home.peers.get(name))?.listen
  if (before === undefined) return onKeptPort(home, name, at)
  try {
    return await at(before)
  } catch (error) {
    if (!isInUse(error)) throw error
    output.warn(
      `${before}, where ${printable(name, 80)} was opened before, is in use: it gets another port`
    )
    return onKeptPort(home, name, at)
  }
}

/** The port it was opened on last time, else a free one. */
async function onKeptPort(
  home: Home,
  name: string,
  at: (port: number) => Promise<Opening>
): Promise<Opening> {
  const opened = Promise.withResolvers<Opening>()
  await listenOnKeptPort(
    home,
    `open/${name}`,
    async port => {
      const opening = await at(port)
      opened.resolve(opening)
      return opening.port ?? 0
    },
    isInUse
  )
  return opened.promise
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_LISTEN_ADDRESS_IN_USE'
}

/** The second time the name is enough. */
async function remember(
  { output }: Context,
  home: Home,
  { name, ticket, peer }: Wanted,
  opening: Opening,
  listen: string | undefined
): Promise<void> {
  if (ticket === undefined || peer === undefined) return
  const before = await home.peers.get(name)
  if (before !== undefined && before.ticket !== ticket) {
    const { decodeTicket } = await import('@warren/tunnel')
    const other = decodeTicket(before.ticket).sharer.toString()
    if (other !== peer) {
      output.warn(
        `“${printable(name, 80)}” was ${shortPeer(other)} before and is ${shortPeer(peer)} from now on; ` +
          'keep both with --as NAME'
      )
    }
  }
  const explicit = opening.port === undefined ? opening.url : opening.address
  const where = listen === undefined ? before?.listen : explicit
  await home.peers.put(name, {
    ticket,
    opened: Date.now(),
    ...(where === undefined ? {} : { listen: where })
  })
}
